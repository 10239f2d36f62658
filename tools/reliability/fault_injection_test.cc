#include "tools/reliability/fault_injection.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "networks/files/testing_folder.h"

namespace reliability {
namespace {

using networks::files::ReadText;

class FaultInjectionTest : public networks::files::FolderTest {
 protected:
  // Writes "0123", then "456789", and renames; where the first call failed.
  // 0: nowhere.
  int Save() {
    int step = 0;
    const auto ok = [&](bool done) {
      ++step;
      return done;
    };
    const int file = open(Path("new").c_str(), O_CREAT | O_WRONLY, 0600);
    if (!ok(file >= 0)) return step;
    const bool saved =
        ok(write(file, "0123", 4) == 4) &&
        ok(pwrite(file, "456789", 6, 4) == 6) && ok(fsync(file) == 0) &&
        ok(rename(Path("new").c_str(), Path("old").c_str()) == 0);
    close(file);
    return saved ? 0 : step;
  }
};

Fault ErrorAtCall(int64_t call) {
  Fault fault;
  fault.at_call = call;
  fault.error = EIO;
  return fault;
}

Fault ErrorAtByte(int64_t byte) {
  Fault fault;
  fault.at_byte = byte;
  fault.error = ENOSPC;
  return fault;
}

TEST_F(FaultInjectionTest, CountsTheCallsThatChangeFiles) {
  StartFaults({});
  EXPECT_EQ(Save(), 0);
  // Reading changes nothing.
  const int file = open(Path("old").c_str(), O_RDONLY);
  close(file);
  std::vector<std::string> names;
  int64_t bytes = 0;
  for (const Call& call : StopFaults()) {
    names.push_back(call.name);
    bytes += call.bytes;
  }
  EXPECT_EQ(names, (std::vector<std::string>{"open", "write", "pwrite", "fsync",
                                             "rename"}));
  EXPECT_EQ(bytes, 10);
  EXPECT_EQ(ReadText(Path("old")), "0123456789");
}

TEST_F(FaultInjectionTest, FailsTheCallThatIsNamedAndNoOther) {
  for (int call = 0; call < 5; ++call) {
    StartFaults(ErrorAtCall(call));
    errno = 0;
    EXPECT_EQ(Save(), call + 1);
    EXPECT_EQ(errno, EIO) << call;
    StopFaults();
    // The next attempt is a new one.
    EXPECT_EQ(Save(), 0) << call;
  }
}

TEST_F(FaultInjectionTest, FillsTheDiskAtAByteAndKeepsItFull) {
  for (int byte = 0; byte < 10; ++byte) {
    std::remove(Path("new").c_str());
    StartFaults(ErrorAtByte(byte));
    const int file = open(Path("new").c_str(), O_CREAT | O_WRONLY, 0600);
    ASSERT_GE(file, 0);
    int64_t written = 0;
    for (const char* digit = "0123456789"; *digit != '\0'; ++digit) {
      const ssize_t count = write(file, digit, 1);
      if (count == 1) ++written;
      if (count < 0) {
        EXPECT_EQ(errno, ENOSPC);
      }
    }
    close(file);
    StopFaults();
    EXPECT_EQ(written, byte);
    EXPECT_EQ(ReadText(Path("new")),
              std::string("0123456789").substr(0, static_cast<size_t>(byte)));
  }
}

// A write that would go over the edge writes what still fits.
TEST_F(FaultInjectionTest, CutsTheWriteThatReachesTheByte) {
  StartFaults(ErrorAtByte(7));
  EXPECT_EQ(Save(), 3);  // the second write
  StopFaults();
  EXPECT_EQ(ReadText(Path("new")), "0123456");
}

TEST_F(FaultInjectionTest, KillsTheProcessThere) {
  const pid_t child = fork();
  if (child == 0) {
    Fault fault;
    fault.at_call = 4;  // the rename
    fault.kill = true;
    StartFaults(fault);
    Save();
    _exit(0);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(WTERMSIG(status), SIGKILL);
  EXPECT_EQ(ReadText(Path("new")), "0123456789");
  EXPECT_EQ(access(Path("old").c_str(), F_OK), -1);
}

}  // namespace
}  // namespace reliability
