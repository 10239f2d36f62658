#include "networks/files/atomic_file.h"

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/files/temporary.h"
#include "networks/files/testing_folder.h"
#include "networks/files/testing_full_disk.h"
#include "networks/files/testing_plain_user.h"
#include "third_party/absl/status_matchers.h"

namespace networks::files {
namespace {

namespace fs = std::filesystem;
using ::absl::StatusCode;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

using AtomicFileTest = FolderTest;

TEST_F(AtomicFileTest, CreatesAndReplaces) {
  ASSERT_THAT(WriteAtomically(Path("file"), "old"), IsOk());
  EXPECT_EQ(Contents("file"), "old");
  const std::string binary("a\0b\n", 4);
  ASSERT_THAT(WriteAtomically(Path("file"), binary), IsOk());
  EXPECT_EQ(Contents("file"), binary);
  ASSERT_THAT(WriteAtomically(Path("file"), ""), IsOk());
  EXPECT_EQ(Contents("file"), "");
  EXPECT_THAT(Names(), ElementsAre("file"));
}

TEST_F(AtomicFileTest, ShowsNothingBeforeCommit) {
  ASSERT_THAT(WriteAtomically(Path("file"), "old"), IsOk());
  AtomicFile file = AtomicFile::Create(Path("file")).value();
  ASSERT_THAT(file.Append("me"), IsOk());
  ASSERT_THAT(file.Append("w"), IsOk());
  ASSERT_THAT(file.Overwrite(0, "n"), IsOk());
  EXPECT_EQ(file.size(), 3);
  EXPECT_EQ(Contents("file"), "old");
  ASSERT_THAT(file.Commit(), IsOk());
  EXPECT_EQ(Contents("file"), "new");
}

TEST_F(AtomicFileTest, LeavesNoTraceIfGivenUp) {
  ASSERT_THAT(WriteAtomically(Path("file"), "old"), IsOk());
  {
    AtomicFile file = AtomicFile::Create(Path("file")).value();
    ASSERT_THAT(file.Append("new"), IsOk());
    AtomicFile other = AtomicFile::Create(Path("other")).value();
    other = std::move(file);  // Gives up the one of other.
    EXPECT_THAT(Names(), SizeIs(3));
    const AtomicFile moved = std::move(other);
  }
  EXPECT_EQ(Contents("file"), "old");
  EXPECT_THAT(Names(), ElementsAre("file"));
}

TEST_F(AtomicFileTest, KeepsTheOldFileIfWritingFails) {
  ASSERT_THAT(WriteAtomically(Path("file"), "old"), IsOk());
  for (const int size : {0, 30, 1 << 20}) {  // 0 and 30: in its lock
    absl::Status status;
    {
      const FullDisk disk(size);
      status = WriteAtomically(Path("file"), std::string(2 << 20, 'x'));
    }
    EXPECT_THAT(status,
                StatusIs(StatusCode::kResourceExhausted,
                         AllOf(HasSubstr(Path("file") + ": cannot write"),
                               HasSubstr("File too large"))));
    EXPECT_EQ(Contents("file"), "old");
    EXPECT_THAT(Names(), ElementsAre("file"));
  }
}

TEST_F(AtomicFileTest, SaysWhyItCannotWrite) {
  EXPECT_THAT(WriteAtomically(Path("none/file"), "x"),
              StatusIs(StatusCode::kNotFound,
                       AllOf(HasSubstr("/none/file: cannot make a file"),
                             HasSubstr("No such file or directory"))));
  Write("file", "");
  EXPECT_THAT(
      WriteAtomically(Path("file/below"), "x"),
      StatusIs(StatusCode::kFailedPrecondition,
               AllOf(HasSubstr("/file/below"), HasSubstr("Not a directory"))));
  for (const char* name : {"", "/", ".", "x/", "x/.."}) {
    EXPECT_THAT(WriteAtomically(name, "x"),
                StatusIs(StatusCode::kInvalidArgument, HasSubstr("no name")))
        << name;
  }
}

TEST_F(AtomicFileTest, RefusesWhatIsNoFile) {
  const auto refuses = [](const std::string& path, const char* what) {
    EXPECT_THAT(WriteAtomically(path, "x"),
                StatusIs(StatusCode::kInvalidArgument,
                         AllOf(HasSubstr(path), HasSubstr(what))));
  };
  refuses(folder_, "is a folder, not a file");
  refuses("/dev/null", "is a device, not a file");
  refuses("/dev/stdout", "is a symbolic link, not a file");
  ASSERT_EQ(mkfifo(Path("pipe").c_str(), 0600), 0);
  refuses(Path("pipe"), "is a named pipe, not a file");
  EXPECT_THAT(Names(), ElementsAre("pipe"));
}

TEST_F(AtomicFileTest, SaysThatTheFolderIsReadOnly) {
  fs::permissions(folder_, fs::perms(0555));
  {
    const PlainUser user(folder_);
    EXPECT_THAT(WriteAtomically("file", "x"),
                StatusIs(StatusCode::kPermissionDenied,
                         HasSubstr("file: cannot make a file in its folder: "
                                   "Permission denied")));
  }
  fs::permissions(folder_, fs::perms(0755));
}

TEST_F(AtomicFileTest, WritesIntoAFolderThatCannotBeListed) {
  fs::permissions(folder_, fs::perms(0333));
  {
    const PlainUser user(folder_);
    EXPECT_THAT(WriteAtomically("file", "x"), IsOk());
  }
  fs::permissions(folder_, fs::perms(0755));
  EXPECT_THAT(Names(), ElementsAre("file"));
}

TEST_F(AtomicFileTest, GivesTheFileTheModeOfTheUmask) {
  const mode_t previous = umask(027);
  ASSERT_THAT(WriteAtomically(Path("file"), "x"), IsOk());
  umask(previous);
  EXPECT_EQ(fs::status(Path("file")).permissions(), fs::perms(0640));
}

TEST_F(AtomicFileTest, KeepsTheModeOfTheFileThatItReplaces) {
  Write("file", "old");
  for (const fs::perms mode : {fs::perms(0600), fs::perms(0666)}) {
    fs::permissions(Path("file"), mode);
    ASSERT_THAT(WriteAtomically(Path("file"), "new"), IsOk());
    EXPECT_EQ(fs::status(Path("file")).permissions(), mode);
  }
}

TEST_F(AtomicFileTest, KeepsTheTemporaryOfAPrivateFilePrivate) {
  Write("file", "old");
  fs::permissions(Path("file"), fs::perms(0400));
  const auto file = AtomicFile::Create(Path("file"));
  ASSERT_THAT(file, IsOk());
  EXPECT_EQ(fs::status(file->WritablePath()).permissions(), fs::perms(0600));
}

// Its group is no longer known.
TEST_F(AtomicFileTest, HasTheModeOfAFileThatWasMovedAwayMeanwhile) {
  const std::pair<fs::perms, fs::perms> modes[] = {
      {fs::perms(0644), fs::perms(0644)}, {fs::perms(0660), fs::perms(0600)}};
  for (const auto& [old_mode, mode] : modes) {
    Write("file", "old");
    fs::permissions(Path("file"), old_mode);
    auto file = AtomicFile::Create(Path("file"));
    ASSERT_THAT(file, IsOk());
    fs::rename(Path("file"), Path("moved"));
    ASSERT_THAT(file->Commit(), IsOk());
    EXPECT_EQ(fs::status(Path("file")).permissions(), mode);
  }
}

constexpr uid_t kNobody = 65534;

TEST_F(AtomicFileTest, KeepsTheOwnerOfTheFileThatTheSuperuserReplaces) {
  if (geteuid() != 0) GTEST_SKIP() << "makes a file of another user";
  Write("file", "old");
  ASSERT_EQ(chown(Path("file").c_str(), kNobody, kNobody), 0);
  fs::permissions(Path("file"), fs::perms(0640));
  ASSERT_THAT(WriteAtomically(Path("file"), "new"), IsOk());
  struct stat info;
  ASSERT_EQ(stat(Path("file").c_str(), &info), 0);
  EXPECT_EQ(info.st_uid, kNobody);
  EXPECT_EQ(info.st_gid, kNobody);
  EXPECT_EQ(info.st_mode & 07777, 0640);
}

// The tests' plain user is not in the group of the file.
TEST_F(AtomicFileTest, GivesItsGroupNoMoreThanAllWhereItIsAnotherOne) {
  if (geteuid() != 0) GTEST_SKIP() << "makes a file of another group";
  fs::permissions(folder_, fs::perms(0777));
  Write("file", "old");
  ASSERT_EQ(chown(Path("file").c_str(), 0, kNobody), 0);
  fs::permissions(Path("file"), fs::perms(0664));
  {
    const PlainUser user(folder_);
    EXPECT_THAT(WriteAtomically("file", "new"), IsOk());
  }
  struct stat info;
  ASSERT_EQ(stat(Path("file").c_str(), &info), 0);
  EXPECT_NE(info.st_gid, kNobody);
  EXPECT_EQ(info.st_mode & 07777, 0644);
}

// acl(5): the owner and user 1 may write, the group nothing.
struct AccessList {
  struct Entry {
    uint16_t tag, permissions;
    uint32_t id;
  };
  uint32_t version = 2;
  Entry entries[5] = {{0x01, 6, ~0U},
                      {0x02, 6, 1},
                      {0x04, 0, ~0U},
                      {0x10, 6, ~0U},
                      {0x20, 0, ~0U}};
};
constexpr char kAccess[] = "system.posix_acl_access";
constexpr char kDefault[] = "system.posix_acl_default";

// The group bits of the mode are those of the list's mask, not of the group.
TEST_F(AtomicFileTest, KeepsTheAccessListOfTheFileThatItReplaces) {
  const AccessList list;
  Write("file", "old");
  if (setxattr(Path("file").c_str(), kAccess, &list, sizeof(list), 0) != 0) {
    GTEST_SKIP() << "a file system without access control lists";
  }
  ASSERT_THAT(WriteAtomically(Path("file"), "new"), IsOk());
  char kept[sizeof(list) + 1];
  ASSERT_EQ(getxattr(Path("file").c_str(), kAccess, kept, sizeof(kept)),
            static_cast<ssize_t>(sizeof(list)));
  EXPECT_EQ(memcmp(kept, &list, sizeof(list)), 0);
}

// What is new in a folder gets the folder's default list.
TEST_F(AtomicFileTest, KeepsThatTheFileThatItReplacesHasNoAccessList) {
  const AccessList list;
  Write("file", "old");
  fs::permissions(Path("file"), fs::perms(0640));
  if (setxattr(folder_.c_str(), kDefault, &list, sizeof(list), 0) != 0) {
    GTEST_SKIP() << "a file system without access control lists";
  }
  ASSERT_THAT(WriteAtomically(Path("file"), "new"), IsOk());
  char kept[sizeof(list)];
  EXPECT_EQ(getxattr(Path("file").c_str(), kAccess, kept, sizeof(kept)), -1);
  EXPECT_EQ(fs::status(Path("file")).permissions(), fs::perms(0640));
}

TEST_F(AtomicFileTest, FollowsNoLink) {
  Write("victim", "precious");
  fs::create_symlink(Path("victim"), Path("link"));
  fs::create_symlink(Path("new"), Path("dangling"));
  EXPECT_THAT(
      WriteAtomically(Path("link"), "x"),
      StatusIs(StatusCode::kInvalidArgument, HasSubstr("is a symbolic link")));
  EXPECT_FALSE(WriteAtomically(Path("dangling"), "x").ok());
  EXPECT_EQ(Contents("victim"), "precious");
  EXPECT_THAT(Names(), ElementsAre("dangling", "link", "victim"));
}

TEST_F(AtomicFileTest, ReplacesOnlyIfItMay) {
  Write("file", "old");
  OutputOptions options;
  options.overwrite = false;
  EXPECT_THAT(AtomicFile::Create(Path("file"), options),
              StatusIs(StatusCode::kAlreadyExists, HasSubstr(Path("file"))));
  fs::create_symlink("nowhere", Path("link"));
  EXPECT_FALSE(AtomicFile::Create(Path("link"), options).ok());

  AtomicFile file = AtomicFile::Create(Path("late"), options).value();
  ASSERT_THAT(file.Append("new"), IsOk());
  Write("late", "of somebody else");
  EXPECT_THAT(file.Commit(),
              StatusIs(StatusCode::kAlreadyExists, HasSubstr(Path("late"))));
  EXPECT_EQ(Contents("late"), "of somebody else");
}

// Names that earlier versions and other programs use are the user's.
TEST_F(AtomicFileTest, TouchesNoOtherFile) {
  Write("file.partial", "a");
  Write("file.tmp", "b");
  Write(".file.tmp", "c");
  Write(".cpab-0123456789abcdef.tmp", "d");  // no lock names it
  const std::vector<std::string> names = Names();
  ASSERT_THAT(WriteAtomically(Path("file"), "x"), IsOk());
  ASSERT_THAT(WriteAtomically(Path("file"), "y"), IsOk());
  fs::remove(Path("file"));
  EXPECT_EQ(Names(), names);
  EXPECT_EQ(Contents("file.partial"), "a");
}

TEST_F(AtomicFileTest, LeavesAloneWhatHasTheNameOfItsLock) {
  Write(".file.cpab-lock", "precious");
  EXPECT_THAT(
      WriteAtomically(Path("file"), "x"),
      StatusIs(StatusCode::kFailedPrecondition, HasSubstr("no lock file")));
  EXPECT_EQ(Contents(".file.cpab-lock"), "precious");
  fs::remove(Path(".file.cpab-lock"));
  fs::create_symlink(Path("victim"), Path(".file.cpab-lock"));
  EXPECT_THAT(
      WriteAtomically(Path("file"), "x"),
      StatusIs(StatusCode::kFailedPrecondition, HasSubstr("no lock file")));
  EXPECT_THAT(Names(), ElementsAre(".file.cpab-lock"));
}

TEST_F(AtomicFileTest, RefusesASecondWriterAndNamesTheFirst) {
  AtomicFile first = AtomicFile::Create(Path("file")).value();
  EXPECT_THAT(AtomicFile::Create(Path("file")),
              StatusIs(StatusCode::kUnavailable,
                       AllOf(HasSubstr(Path("file") + ": process " +
                                       std::to_string(getpid())),
                             HasSubstr("is writing it"))));
  // By another way to the same folder, too.
  EXPECT_FALSE(AtomicFile::Create(Path("./file")).ok());
  ASSERT_THAT(first.Append("first"), IsOk());
  ASSERT_THAT(first.Commit(), IsOk());
  EXPECT_EQ(Contents("file"), "first");
  EXPECT_THAT(AtomicFile::Create(Path("file")), IsOk());
  EXPECT_THAT(Names(), ElementsAre("file"));
}

TEST_F(AtomicFileTest, ManyWritersPublishWholeFilesOnly) {
  constexpr int kThreads = 4, kRounds = 25;
  std::atomic<int> broken{0}, failed{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] {
      const std::string mine(100'000, static_cast<char>('a' + i));
      for (int round = 0; round < kRounds; ++round) {
        if (!WriteAtomically(Path("file"), mine).ok()) ++failed;
        const std::string seen = Contents("file");
        if (seen != std::string(mine.size(), seen[0])) ++broken;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(failed, 0);
  EXPECT_EQ(broken, 0);
  EXPECT_THAT(Names(), ElementsAre("file"));
}

// Starts a file in a child that is killed meanwhile.
void WriteAndBeKilled(const std::string& path) {
  const pid_t child = fork();
  if (child == 0) {
    auto file = AtomicFile::Create(path);
    if (file.ok()) file->Append("half").IgnoreError();
    kill(getpid(), SIGKILL);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
}

TEST_F(AtomicFileTest, ClearsWhatAKilledWriterLeft) {
  for (int i = 0; i < 3; ++i) WriteAndBeKilled(Path("file"));
  EXPECT_THAT(Names(), SizeIs(2));  // the last one's temporary and its lock
  ASSERT_THAT(WriteAtomically(Path("file"), "whole"), IsOk());
  EXPECT_THAT(Names(), ElementsAre("file"));
}

TEST_F(AtomicFileTest, RemovesWhatIsAbandonedButNotWhatIsAlive) {
  WriteAndBeKilled(Path("a"));
  WriteAndBeKilled(Path("b"));
  AtomicFile file = AtomicFile::Create(Path("c")).value();
  EXPECT_THAT(Names(), SizeIs(6));
  RemoveAbandoned(folder_);
  EXPECT_THAT(Names(), SizeIs(2));
  ASSERT_THAT(file.Append("whole"), IsOk());
  ASSERT_THAT(file.Commit(), IsOk());
  EXPECT_THAT(Names(), ElementsAre("c"));
  EXPECT_EQ(Contents("c"), "whole");
}

TEST_F(AtomicFileTest, CanBeWrittenByNameFromOutside) {
  AtomicFile file = AtomicFile::Create(Path("file")).value();
  std::ofstream(file.WritablePath(), std::ios::binary) << "by name";
  ASSERT_THAT(file.Commit(), IsOk());
  EXPECT_EQ(Contents("file"), "by name");
}

TEST_F(AtomicFileTest, GivesAFileASecondName) {
  Write("a", "new");
  Write("b", "old");
  ASSERT_THAT(LinkOrCopyAtomically(Path("a"), Path("b")), IsOk());
  EXPECT_TRUE(fs::equivalent(Path("a"), Path("b")));
  // rename() of two names of one file does nothing and reports success.
  ASSERT_THAT(LinkOrCopyAtomically(Path("a"), Path("b")), IsOk());
  EXPECT_EQ(Contents("b"), "new");
  EXPECT_THAT(Names(), ElementsAre("a", "b"));
  EXPECT_THAT(LinkOrCopyAtomically(Path("none"), Path("b")),
              StatusIs(StatusCode::kNotFound, HasSubstr(Path("none"))));
  EXPECT_EQ(Contents("b"), "new");
}

TEST_F(AtomicFileTest, CopiesWhereThereIsNoSecondName) {
  Write("b", "old");
  // Of another file system than the test's folder.
  ASSERT_THAT(LinkOrCopyAtomically("/proc/self/cmdline", Path("b")), IsOk());
  std::ifstream file("/proc/self/cmdline", std::ios::binary);
  EXPECT_EQ(Contents("b"),
            std::string(std::istreambuf_iterator<char>(file), {}));
  EXPECT_THAT(Names(), ElementsAre("b"));
}

TEST_F(AtomicFileTest, WaitsOnceForAnotherWriterOfASecondName) {
  Write("a", "new");
  const AtomicFile other = AtomicFile::Create(Path("b")).value();
  const auto begin = std::chrono::steady_clock::now();
  const std::chrono::seconds wait(1);
  EXPECT_THAT(LinkOrCopyAtomically(Path("a"), Path("b"), wait),
              StatusIs(StatusCode::kUnavailable,
                       AllOf(HasSubstr(Path("b") + ": process "),
                             HasSubstr("is writing it"))));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 2 * wait);
  EXPECT_FALSE(fs::exists(Path("b")));
}

TEST_F(AtomicFileTest, CopiesAPrivateFileAsAPrivateOne) {
  Write("a", "secret");
  fs::permissions(Path("a"), fs::perms(0600));
  fs::create_symlink(Path("a"), Path("link"));  // which gets no second name
  const std::string of_other_file_system = "/proc/self/environ";  // mode 0400
  for (const std::string& from : {Path("link"), of_other_file_system}) {
    ASSERT_THAT(LinkOrCopyAtomically(from, Path("b")), IsOk());
    EXPECT_EQ(fs::status(Path("b")).permissions(), fs::perms(0600)) << from;
    fs::remove(Path("b"));
  }
  Write("b", "old");
  fs::permissions(Path("b"), fs::perms(0640));
  ASSERT_THAT(LinkOrCopyAtomically(Path("link"), Path("b")), IsOk());
  EXPECT_EQ(Contents("b"), "secret");
  EXPECT_EQ(fs::status(Path("b")).permissions(), fs::perms(0640));
  EXPECT_THAT(Names(), ElementsAre("a", "b", "link"));
}

}  // namespace
}  // namespace networks::files
