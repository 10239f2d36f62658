#include "networks/files/atomic_folder.h"

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <utility>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/files/folder.h"
#include "networks/files/testing_folder.h"
#include "third_party/absl/status_matchers.h"

namespace networks::files {
namespace {

namespace fs = std::filesystem;
using ::absl::StatusCode;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

using AtomicFolderTest = FolderTest;

TEST_F(AtomicFolderTest, HasItsNameWhenItIsWhole) {
  const mode_t previous = umask(027);
  AtomicFolder folder = AtomicFolder::Create(Path("set/")).value();
  const std::string temporary = folder.temporary_path();
  ASSERT_THAT(MakeFolder(temporary + "/train"), IsOk());
  ASSERT_THAT(folder.Write("train/a", "1"), IsOk());
  EXPECT_FALSE(fs::exists(Path("set")));
  ASSERT_THAT(folder.Commit(), IsOk());
  umask(previous);
  EXPECT_EQ(Contents("set/train/a"), "1");
  EXPECT_EQ(fs::status(Path("set")).permissions(), fs::perms(0750));
  EXPECT_THAT(Names(), ElementsAre("set"));
}

TEST_F(AtomicFolderTest, LeavesNoTraceIfGivenUp) {
  {
    const AtomicFolder folder = AtomicFolder::Create(Path("set")).value();
    ASSERT_THAT(folder.Write("a", "1"), IsOk());
  }
  EXPECT_THAT(Names(), SizeIs(0));
}

TEST_F(AtomicFolderTest, ReplacesAnEmptyFolderAndNothingElse) {
  fs::create_directory(Path("empty"));
  AtomicFolder folder = AtomicFolder::Create(Path("empty")).value();
  ASSERT_THAT(folder.Write("a", "1"), IsOk());
  ASSERT_THAT(folder.Commit(), IsOk());
  EXPECT_EQ(Contents("empty/a"), "1");
  EXPECT_THAT(AtomicFolder::Create(Path("empty")),
              StatusIs(StatusCode::kAlreadyExists, HasSubstr(Path("empty"))));
  Write("file", "precious");
  EXPECT_THAT(AtomicFolder::Create(Path("file")),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("is a file")));
  fs::create_directory_symlink(Path("elsewhere"), Path("link"));
  EXPECT_THAT(
      AtomicFolder::Create(Path("link")),
      StatusIs(StatusCode::kInvalidArgument, HasSubstr("symbolic link")));
}

TEST_F(AtomicFolderTest, KeepsTheModeOfTheFolderThatItReplaces) {
  for (const auto& [name, mode] : {std::pair("private", fs::perms(0700)),
                                   std::pair("of_a_group", fs::perms(02770))}) {
    fs::create_directory(Path(name));
    fs::permissions(Path(name), mode);
    AtomicFolder folder = AtomicFolder::Create(Path(name)).value();
    EXPECT_EQ(fs::status(folder.temporary_path()).permissions(),
              fs::perms(0700));
    ASSERT_THAT(folder.Write("a", "1"), IsOk());
    ASSERT_THAT(folder.Commit(), IsOk());
    EXPECT_EQ(fs::status(Path(name)).permissions(), mode);
  }
}

TEST_F(AtomicFolderTest, DoesNotReplaceWhatAppearsMeanwhile) {
  AtomicFolder folder = AtomicFolder::Create(Path("set")).value();
  fs::create_directory(Path("set"));
  Write("set/precious", "1");
  EXPECT_FALSE(folder.Commit().ok());
  EXPECT_EQ(Contents("set/precious"), "1");
}

TEST_F(AtomicFolderTest, RefusesASecondMakerAndClearsAKilledOnes) {
  for (int i = 0; i < 2; ++i) {
    const pid_t child = fork();
    if (child == 0) {
      const auto folder = AtomicFolder::Create(Path("set"));
      if (folder.ok()) {
        folder->Write("a", "1").IgnoreError();
      }
      kill(getpid(), SIGKILL);
    }
    ASSERT_EQ(waitpid(child, nullptr, 0), child);
  }
  EXPECT_THAT(Names(), SizeIs(2));
  AtomicFolder folder = AtomicFolder::Create(Path("set")).value();
  EXPECT_THAT(AtomicFolder::Create(Path("set/")),
              StatusIs(StatusCode::kUnavailable, HasSubstr("is writing it")));
  ASSERT_THAT(folder.Commit(), IsOk());
  EXPECT_THAT(Names(), ElementsAre("set"));
}

TEST_F(AtomicFolderTest, WritesEachFileOnce) {
  const AtomicFolder folder = AtomicFolder::Create(Path("set")).value();
  ASSERT_THAT(folder.Write("a", "1"), IsOk());
  EXPECT_THAT(folder.Write("a", "2"),
              StatusIs(StatusCode::kAlreadyExists, HasSubstr(Path("set/a"))));
  EXPECT_THAT(folder.Write("none/a", "2"),
              StatusIs(StatusCode::kNotFound, HasSubstr(Path("set/none/a"))));
}

}  // namespace
}  // namespace networks::files
