#include "tools/studio/jobs/jail.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/files/testing_folder.h"
#include "third_party/absl/status_matchers.h"

namespace studio {
namespace {

namespace fs = std::filesystem;
using ::absl::StatusCode;
using ::networks::files::FreshTestFolder;
using ::testing::ExitedWithCode;
using ::testing::HasSubstr;
using ::testing::KilledBySignal;

// Exit codes of the confined children.
constexpr int kFine = 0, kNotFine = 1, kNotConfined = 2;

// Runs `deed` in this process, which a death test has made for it.
void Confined(const std::function<absl::Status()>& confine,
              const std::function<bool()>& deed) {
  if (!confine().ok()) _exit(kNotConfined);
  _exit(deed() ? kFine : kNotFine);
}

bool Opens(const std::string& path, int flags) {
  const int descriptor = open(path.c_str(), flags | O_CLOEXEC, 0600);
  if (descriptor >= 0) close(descriptor);
  return descriptor >= 0;
}

bool FailsWith(int error, int64_t result) {
  return result == -1 && errno == error;
}

class JailTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = FreshTestFolder();
    for (const char* name : {"inputs", "output", "outside"}) {
      fs::create_directories(folder_ + "/" + name);
      std::ofstream(folder_ + "/" + name + "/file") << "text";
    }
  }

  // As the worker has it.
  absl::Status EnterFiles(bool reads_everything = false) const {
    FileRules rules;
    rules.readable = {folder_ + "/inputs"};
    rules.writable = {folder_ + "/output"};
    rules.reads_everything = reads_everything;
    auto jail = FileJail::Create(rules);
    if (!jail.ok()) return jail.status();
    return jail->Enter() == 0 ? absl::OkStatus() : absl::InternalError("");
  }

  std::string folder_;
};

TEST_F(JailTest, IsThereInThisKernel) {
  EXPECT_THAT(CheckJail(), IsOk());
  EXPECT_GE(LandlockVersion(), 1);
}

TEST_F(JailTest, LeavesTheFilesThatItNames) {
  EXPECT_EXIT(Confined([this] { return EnterFiles(); },
                       [this] {
                         const std::string output = folder_ + "/output/";
                         return Opens(folder_ + "/inputs/file", O_RDONLY) &&
                                Opens(output + "file", O_RDWR | O_TRUNC) &&
                                Opens(output + "new", O_CREAT | O_WRONLY) &&
                                rename((output + "new").c_str(),
                                       (output + "file").c_str()) == 0 &&
                                mkdir((output + "folder").c_str(), 0700) == 0 &&
                                unlink((output + "file").c_str()) == 0;
                       }),
              ExitedWithCode(kFine), "");
}

TEST_F(JailTest, KeepsAwayAllOtherFiles) {
  EXPECT_EXIT(
      Confined([this] { return EnterFiles(); },
               [this] {
                 return !Opens(folder_ + "/outside/file", O_RDONLY) &&
                        !Opens(folder_ + "/inputs/file", O_WRONLY) &&
                        !Opens(folder_ + "/inputs/new", O_CREAT | O_WRONLY) &&
                        !Opens(folder_ + "/output/../outside/file", O_RDONLY) &&
                        !Opens("/etc/passwd", O_RDONLY) &&
                        symlink("/etc/passwd",
                                (folder_ + "/output/link").c_str()) != 0 &&
                        unlink((folder_ + "/inputs/file").c_str()) != 0;
               }),
      ExitedWithCode(kFine), "");
}

TEST_F(JailTest, CanLeaveReadingFree) {
  EXPECT_EXIT(
      Confined([this] { return EnterFiles(/*reads_everything=*/true); },
               [this] {
                 return Opens("/etc/passwd", O_RDONLY) &&
                        Opens(folder_ + "/output/new", O_CREAT | O_WRONLY) &&
                        !Opens(folder_ + "/outside/file", O_WRONLY) &&
                        truncate((folder_ + "/outside/file").c_str(), 0) != 0;
               }),
      ExitedWithCode(kFine), "");
}

TEST_F(JailTest, NamesAPathThatIsNotThere) {
  FileRules rules;
  rules.writable = {folder_ + "/none"};
  EXPECT_THAT(FileJail::Create(rules),
              StatusIs(StatusCode::kNotFound, HasSubstr(folder_ + "/none")));
}

absl::Status FilesAndThreads() {
  return RestrictSystemCalls(SystemCalls::kFilesAndThreads);
}

TEST_F(JailTest, LeavesFilesAndThreads) {
  EXPECT_EXIT(Confined(FilesAndThreads,
                       [this] {
                         bool opened = false;
                         std::thread([&] {
                           opened = Opens(folder_ + "/outside/file", O_RDONLY);
                         }).join();
                         return opened;
                       }),
              ExitedWithCode(kFine), "");
}

TEST_F(JailTest, RefusesProgramsProcessesAndTheNetwork) {
  EXPECT_EXIT(
      Confined(FilesAndThreads,
               [] {
                 return FailsWith(EPERM, execl("/bin/true", "true", nullptr)) &&
                        FailsWith(EPERM, fork()) &&
                        FailsWith(EPERM, socket(AF_INET, SOCK_STREAM, 0)) &&
                        FailsWith(EPERM, socket(AF_UNIX, SOCK_STREAM, 0)) &&
                        FailsWith(EPERM, kill(getppid(), 0)) &&
                        kill(getpid(), 0) == 0;
               }),
      ExitedWithCode(kFine), "");
}

// Whether a thread that ran before this process was confined may make sockets.
[[noreturn]] void TryFromEarlierThread() {
  bool confined = false, refused = false;
  std::mutex mutex;
  std::condition_variable changed;
  std::thread earlier([&] {
    std::unique_lock<std::mutex> lock(mutex);
    changed.wait(lock, [&] { return confined; });
    refused = FailsWith(EPERM, socket(AF_INET, SOCK_STREAM, 0));
  });
  if (!FilesAndThreads().ok()) _exit(kNotConfined);
  {
    const std::lock_guard<std::mutex> lock(mutex);
    confined = true;
  }
  changed.notify_all();
  earlier.join();
  _exit(refused ? kFine : kNotFine);
}

// As those of libraries.
TEST_F(JailTest, HoldsForThreadsThatRun) {
  EXPECT_EXIT(TryFromEarlierThread(), ExitedWithCode(kFine), "");
}

TEST_F(JailTest, LeavesOpenDescriptorsAlone) {
  const int file = open((folder_ + "/inputs/file").c_str(), O_RDONLY);
  ASSERT_GE(file, 0);
  EXPECT_EXIT(Confined(ConfineToDescriptors,
                       [&] {
                         char text[4];
                         return pread(file, text, 4, 0) == 4 &&
                                FailsWith(EPERM, open("/etc/passwd", O_RDONLY));
                       }),
              ExitedWithCode(kFine), "");
  EXPECT_EXIT(Confined(ConfineToDescriptors, [] { return fork() >= 0; }),
              KilledBySignal(SIGSYS), "");
  EXPECT_EXIT(Confined(ConfineToDescriptors, []() -> bool { std::abort(); }),
              KilledBySignal(SIGABRT), "");
  close(file);
}

TEST_F(JailTest, LimitsWhatAProcessTakes) {
  const auto limited = [](ProcessLimits limits) {
    return [limits] {
      return SetLimits(limits) == 0 ? absl::OkStatus()
                                    : absl::InternalError("");
    };
  };
  ProcessLimits limits;
  limits.writable_memory = int64_t{64} << 20;
  limits.file_size = 2;
  limits.descriptors = 16;
  EXPECT_EXIT(
      Confined(limited(limits),
               [this] {
                 signal(SIGXFSZ, SIG_IGN);
                 const int file =
                     open((folder_ + "/output/file").c_str(), O_WRONLY);
                 void* const memory =
                     mmap(nullptr, size_t{1} << 30, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
                 const ssize_t written = write(file, "text", 4);
                 while (dup(file) >= 0) {
                 }
                 return errno == EMFILE && written == 2 && memory == MAP_FAILED;
               }),
      ExitedWithCode(kFine), "");
  ProcessLimits second;
  second.processor_seconds = 1;
  EXPECT_EXIT(
      Confined(limited(second),
               [] {
                 for (volatile int i = 0;; i = i + 1) {
                 }
                 return true;
               }),
      [](int status) {
        return KilledBySignal(SIGXCPU)(status) ||
               KilledBySignal(SIGKILL)(status);
      },
      "");
}

}  // namespace
}  // namespace studio
