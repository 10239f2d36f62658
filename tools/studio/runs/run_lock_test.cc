#include "tools/studio/runs/run_lock.h"

#include <limits.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "networks/files/file_lock.h"
#include "networks/files/testing_folder.h"
#include "tools/studio/runs/safe_folder.h"

namespace studio {
namespace {

using networks::files::FileLock;

// Seconds since 1970.
constexpr int64_t kNow = 2000000000;
constexpr int64_t kJustNow = kNow - 1;
constexpr int64_t kLongAgo = kNow - 1000000;

class RunLockTest : public networks::files::FolderTest {
 protected:
  bool IsTrainingAt(int64_t last_write) const {
    return IsTraining(SafeFolder::Open(folder_).value(), last_write, kNow);
  }

  // What FileLock writes for a process of this machine.
  static std::string NoteOf(int process) {
    char host[HOST_NAME_MAX + 1] = {};
    gethostname(host, HOST_NAME_MAX);
    return absl::StrCat("process ", process, " on ", host, "\n\n");
  }

  // A process that has ended. Its number is free again, but is not given to
  // another process before all others have been.
  static int EndedProcess() {
    const pid_t child = fork();
    if (child == 0) _exit(0);
    waitpid(child, nullptr, 0);
    return child;
  }
};

TEST_F(RunLockTest, ARunWithoutALockIsNotTraining) {
  EXPECT_FALSE(IsTrainingAt(kJustNow));
}

// However long nothing has been written: a step may take an hour.
TEST_F(RunLockTest, ALockThatIsHeldIsTraining) {
  const auto lock = FileLock::Take(Path("lock"));
  ASSERT_TRUE(lock.ok());
  EXPECT_TRUE(IsTrainingAt(kLongAgo));
}

TEST_F(RunLockTest, LooksWithoutTakingTheLock) {
  {
    const auto lock = FileLock::Take(Path("lock"));
    ASSERT_TRUE(lock.ok());
    EXPECT_TRUE(IsTrainingAt(kLongAgo));
    EXPECT_TRUE(lock->IsHeld());
    EXPECT_FALSE(FileLock::Take(Path("lock")).ok());
  }
  EXPECT_FALSE(IsTrainingAt(kJustNow));
  EXPECT_TRUE(FileLock::Take(Path("lock")).ok());
}

TEST_F(RunLockTest, ALockOfAnEndedProcessIsNoTraining) {
  Write("lock", NoteOf(EndedProcess()));
  EXPECT_FALSE(IsTrainingAt(kJustNow));
}

// This process is there and has no lock on the file: the kernel's list may lack
// it (another container), so that what was written decides.
TEST_F(RunLockTest, AProcessThatIsNotListedCountsWhileTheRunWrites) {
  Write("lock", NoteOf(getpid()));
  EXPECT_TRUE(IsTrainingAt(kJustNow));
  EXPECT_FALSE(IsTrainingAt(kLongAgo));
}

// A lock on another file of the folder by the same process is none of the run.
TEST_F(RunLockTest, ALockOnAnotherFileIsNotTheRuns) {
  const auto other = FileLock::Take(Path("other"));
  ASSERT_TRUE(other.ok());
  Write("lock", NoteOf(getpid()));
  EXPECT_FALSE(IsTrainingAt(kLongAgo));
}

TEST_F(RunLockTest, AProcessOfAnotherMachineCountsForTenMinutes) {
  Write("lock", absl::StrCat("process ", EndedProcess(), " on elsewhere\n\n"));
  EXPECT_TRUE(IsTrainingAt(kNow - 599));
  EXPECT_FALSE(IsTrainingAt(kNow - 600));
}

// Such a file names nobody, so that what was written decides.
TEST_F(RunLockTest, ALockThatIsNotReadableNamesNobody) {
  const std::string ended = NoteOf(EndedProcess());
  for (const std::string& content :
       {std::string(), std::string(5000, '\xff'), "more " + ended,
        std::string("process 0 on ") + ended.substr(ended.rfind(' ') + 1),
        std::string("process x on y\n"), std::string("process -1 on y\n")}) {
    Write("lock", content);
    EXPECT_TRUE(IsTrainingAt(kJustNow)) << content.substr(0, 40);
    EXPECT_FALSE(IsTrainingAt(kLongAgo)) << content.substr(0, 40);
  }
}

TEST_F(RunLockTest, FollowsNoLink) {
  Write("elsewhere", NoteOf(getpid()));
  ASSERT_EQ(symlink(Path("elsewhere").c_str(), Path("lock").c_str()), 0);
  EXPECT_FALSE(IsTrainingAt(kJustNow));
}

}  // namespace
}  // namespace studio
