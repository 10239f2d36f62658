#include "networks/files/file_lock.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/files/testing_folder.h"
#include "networks/files/testing_full_disk.h"
#include "networks/files/testing_plain_user.h"
#include "third_party/absl/status_matchers.h"

namespace networks::files {
namespace {

using ::absl::StatusCode;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

using FileLockTest = FolderTest;

TEST_F(FileLockTest, ExcludesOthersUntilItIsDropped) {
  std::optional<FileLock> lock = FileLock::Take(Path("lock")).value();
  EXPECT_TRUE(lock->IsHeld());
  LockOptions options;
  options.subject = "runs/a";
  options.doing = "trains here";
  EXPECT_THAT(
      FileLock::Take(Path("lock"), options),
      StatusIs(StatusCode::kUnavailable,
               AllOf(HasSubstr("runs/a: process " + std::to_string(getpid())),
                     HasSubstr(" trains here"))));
  lock.reset();
  EXPECT_THAT(Names(), ElementsAre());
  EXPECT_THAT(FileLock::Take(Path("lock")), IsOk());
}

// Seen with flock on a name alone: whoever removes the file lets another one
// in.
TEST_F(FileLockTest, KnowsThatItsFileWasRemoved) {
  FileLock first = FileLock::Take(Path("lock")).value();
  std::filesystem::remove(Path("lock"));
  EXPECT_FALSE(first.IsHeld());
  const FileLock second = FileLock::Take(Path("lock")).value();
  EXPECT_FALSE(first.IsHeld());
  EXPECT_TRUE(second.IsHeld());
  first = FileLock::Take(Path("other")).value();
  EXPECT_TRUE(second.IsHeld()) << "dropped by the one that had lost it";
}

TEST_F(FileLockTest, WaitsForItsHolder) {
  std::optional<FileLock> lock = FileLock::Take(Path("lock")).value();
  std::atomic<bool> taken{false};
  std::thread waiter([&] {
    LockOptions options;
    options.wait = std::chrono::minutes(5);
    taken = FileLock::Take(Path("lock"), options).ok();
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_FALSE(taken);
  lock.reset();
  waiter.join();
  EXPECT_TRUE(taken);
}

TEST_F(FileLockTest, StopsWaitingWhenAsked) {
  const FileLock lock = FileLock::Take(Path("lock")).value();
  LockOptions options;
  options.wait = std::chrono::hours(1);
  int asked = 0;
  options.stop = [&asked] { return ++asked == 3; };
  EXPECT_THAT(FileLock::Take(Path("lock"), options),
              StatusIs(StatusCode::kCancelled, HasSubstr("stopped while")));
  EXPECT_EQ(asked, 3);
}

TEST_F(FileLockTest, TakesOverFromADeadProcessAndReadsItsNote) {
  const pid_t child = fork();
  if (child == 0) {
    auto lock = FileLock::Take(Path("lock"));
    if (lock.ok()) lock->SetNote("a longer note").IgnoreError();
    if (lock.ok()) lock->SetNote("the note").IgnoreError();
    kill(getpid(), SIGKILL);
  }
  ASSERT_EQ(waitpid(child, nullptr, 0), child);
  EXPECT_THAT(Names(), ElementsAre("lock"));
  const absl::StatusOr<FileLock> lock = FileLock::Take(Path("lock"));
  ASSERT_THAT(lock, IsOk());
  EXPECT_EQ(lock->left_note(), "the note");
}

// It may not be writable, and then it could not have our note.
TEST_F(FileLockTest, ReplacesTheLockThatAnotherUserLeft) {
  if (geteuid() != 0) GTEST_SKIP() << "makes a file of another user";
  std::filesystem::permissions(folder_, std::filesystem::perms(0777));
  Write("lock", "process 1 on host\nthe note\n");
  Write("precious", "of the user");
  {
    const PlainUser user(folder_);
    absl::StatusOr<FileLock> lock = FileLock::Take("lock");
    ASSERT_THAT(lock, IsOk());
    EXPECT_EQ(lock->left_note(), "");
    ASSERT_THAT(lock->SetNote("mine"), IsOk());
    EXPECT_THAT(ReadText("lock"), HasSubstr("mine"));
    EXPECT_FALSE(FileLock::Take("precious").ok());
  }
  EXPECT_THAT(Names(), ElementsAre("precious"));
}

// What the note names could not be found without it.
TEST_F(FileLockTest, KeepsANoteWhereTheDiskIsFull) {
  {
    auto lock = FileLock::Take(Path("lock"));
    ASSERT_THAT(lock, IsOk());
    ASSERT_THAT(lock->SetNote("the note"), IsOk());
    const FullDisk disk(0);
    EXPECT_THAT(lock->SetNote("another"),
                StatusIs(StatusCode::kResourceExhausted, HasSubstr("lock")));
    EXPECT_THAT(Contents("lock"), HasSubstr("the note"));
  }
  Write("lock", "process 1 on host\nthe note\n");
  const FullDisk disk(0);
  const absl::StatusOr<FileLock> lock = FileLock::Take(Path("lock"));
  ASSERT_THAT(lock, IsOk());
  EXPECT_EQ(lock->left_note(), "the note");
  EXPECT_THAT(FileLock::Take(Path("new")),
              StatusIs(StatusCode::kResourceExhausted, HasSubstr("new")));
}

TEST_F(FileLockTest, OneOfManyHoldsItAtATime) {
  std::atomic<int> holders{0}, most{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      LockOptions options;
      options.wait = std::chrono::minutes(5);
      for (int round = 0; round < 50; ++round) {
        const auto lock = FileLock::Take(Path("lock"), options);
        ASSERT_THAT(lock, IsOk());
        const int now = ++holders;
        if (now > most) most = now;
        std::this_thread::yield();
        --holders;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(most, 1);
}

TEST_F(FileLockTest, LeavesOtherFilesAlone) {
  Write("precious", "of the user");
  EXPECT_THAT(FileLock::Take(Path("precious")),
              StatusIs(StatusCode::kFailedPrecondition, HasSubstr("no lock")));
  EXPECT_EQ(Contents("precious"), "of the user");
  EXPECT_THAT(FileLock::Take(folder_),
              StatusIs(StatusCode::kFailedPrecondition, HasSubstr("no lock")));
  EXPECT_THAT(FileLock::Take(Path("none/lock")),
              StatusIs(StatusCode::kNotFound, HasSubstr(Path("none/lock"))));
}

}  // namespace
}  // namespace networks::files
