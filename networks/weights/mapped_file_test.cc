#include "networks/weights/mapped_file.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/files/testing_folder.h"
#include "networks/weights/mapping_guard.h"
#include "third_party/absl/status_matchers.h"

namespace networks::weights {
namespace {

namespace fs = std::filesystem;
using ::absl::StatusCode;
using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr size_t kSize = size_t{1} << 20;

class MappedFileTest : public files::FolderTest {
 protected:
  MappedFileTest() { Write("file", std::string(kSize, 'x')); }

  std::shared_ptr<MappedFile> Open() {
    return MappedFile::Open(Path("file")).value();
  }
};

// Reads every byte, also where nobody uses the sum.
int64_t Sum(const MappedFile& file) {
  const volatile char* bytes = file.contents().data();
  int64_t sum = 0;
  for (size_t i = 0; i < file.contents().size(); ++i) sum += bytes[i];
  return sum;
}

TEST_F(MappedFileTest, HasTheFilesBytes) {
  const std::shared_ptr<MappedFile> file = Open();
  EXPECT_EQ(Sum(*file), int64_t{'x'} * int64_t{kSize});
  EXPECT_THAT(file->Check(), IsOk());
  file->data()[0] = 'y';
  EXPECT_EQ(Open()->contents()[0], 'x');
  EXPECT_THAT(file->Check(), IsOk());
}

TEST_F(MappedFileTest, IsNoFolder) {
  EXPECT_THAT(MappedFile::Open(folder_).status(),
              StatusIs(StatusCode::kInvalidArgument,
                       folder_ + ": is a folder; name a file in it"));
  fs::create_directory(Path("checkpoints"));
  EXPECT_THAT(MappedFile::Open(folder_).status(),
              StatusIs(StatusCode::kInvalidArgument,
                       folder_ + ": is a folder; name a file in " +
                           Path("checkpoints")));
}

TEST_F(MappedFileTest, StaysWholeWhenTheFileIsReplaced) {
  const std::shared_ptr<MappedFile> file = Open();
  Write("new", "short");
  EXPECT_THAT(file->CheckNotReplaced(), IsOk());
  fs::rename(Path("new"), Path("file"));
  EXPECT_EQ(Sum(*file), int64_t{'x'} * int64_t{kSize});
  EXPECT_THAT(file->Check(), IsOk());
  EXPECT_THAT(file->CheckNotReplaced(),
              StatusIs(StatusCode::kAborted, HasSubstr(Path("file"))));
  fs::remove(Path("file"));
  EXPECT_THAT(file->CheckNotReplaced(),
              StatusIs(StatusCode::kAborted, HasSubstr(Path("file"))));
}

TEST_F(MappedFileTest, SaysThatTheFileWasCutShort) {
  for (const size_t size : {size_t{0}, size_t{5000}, kSize - 1}) {
    Write("file", std::string(kSize, 'x'));
    const std::shared_ptr<MappedFile> file = Open();
    fs::resize_file(Path("file"), size);
    Sum(*file);  // without a signal
    EXPECT_THAT(file->Check(),
                StatusIs(StatusCode::kUnavailable,
                         AllOf(HasSubstr(Path("file")),
                               HasSubstr("changed it while it was read"))));
  }
}

TEST_F(MappedFileTest, SaysThatTheFileWasWrittenAnew) {
  const std::shared_ptr<MappedFile> file = Open();
  fs::last_write_time(Path("file"), fs::file_time_type::clock::now() +
                                        std::chrono::seconds(10));
  EXPECT_THAT(file->Check(), StatusIs(StatusCode::kUnavailable,
                                      HasSubstr("while it was read")));
}

TEST_F(MappedFileTest, IsGuardedInEveryThread) {
  std::vector<std::shared_ptr<MappedFile>> files;
  for (int i = 0; i < 8; ++i) files.push_back(Open());
  const uint64_t failed_before = MappingGuard::num_failed();
  fs::resize_file(Path("file"), 0);
  std::vector<std::thread> threads;
  for (const auto& file : files) {
    for (int i = 0; i < 2; ++i) threads.emplace_back([&] { Sum(*file); });
  }
  for (std::thread& thread : threads) thread.join();
  for (const auto& file : files) EXPECT_FALSE(file->Check().ok());
  EXPECT_EQ(MappingGuard::num_failed(), failed_before + files.size());
  files.clear();
  // The places of those that are gone serve the next ones.
  Write("file", std::string(kSize, 'x'));
  const std::shared_ptr<MappedFile> next = Open();
  EXPECT_EQ(Sum(*next), int64_t{'x'} * int64_t{kSize});
  EXPECT_THAT(next->Check(), IsOk());
}

// How a process ends by SIGBUS: killed, or by AddressSanitizer's own handler,
// which was there before ours.
#if defined(__SANITIZE_ADDRESS__)
constexpr bool kHasAddressSanitizer = true;
#elif defined(__has_feature)
constexpr bool kHasAddressSanitizer = __has_feature(address_sanitizer);
#else
constexpr bool kHasAddressSanitizer = false;
#endif

bool EndedBySigbus(int status) {
  return kHasAddressSanitizer ? testing::ExitedWithCode(1)(status)
                              : testing::KilledBySignal(SIGBUS)(status);
}

constexpr const char* kSigbusMessage =
    kHasAddressSanitizer ? "AddressSanitizer: BUS" : "";

TEST_F(MappedFileTest, LeavesOtherFaultsAsTheyWere) {
  const std::shared_ptr<MappedFile> guarded = Open();
  const int descriptor = open(Path("file").c_str(), O_RDONLY | O_CLOEXEC);
  ASSERT_GE(descriptor, 0);
  const void* other =
      mmap(nullptr, kSize, PROT_READ, MAP_PRIVATE, descriptor, 0);
  ASSERT_NE(other, MAP_FAILED);
  fs::resize_file(Path("file"), 0);
  EXPECT_EXIT(
      {
        volatile char byte = *static_cast<const volatile char*>(other);
        _exit(byte);
      },
      EndedBySigbus, kSigbusMessage);
  EXPECT_EXIT(kill(getpid(), SIGBUS), EndedBySigbus, kSigbusMessage);
  close(descriptor);
}

}  // namespace
}  // namespace networks::weights
