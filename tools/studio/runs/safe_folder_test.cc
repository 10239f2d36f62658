#include "tools/studio/runs/safe_folder.h"

#include <dirent.h>
#include <dlfcn.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/files/testing_folder.h"

namespace {

// Whether a disk fails behind the first name in a folder.
bool disk_fails = false;
bool gave_name = false;

}  // namespace

// In place of the C library's.
extern "C" dirent* readdir(DIR* folder) {
  if (disk_fails && gave_name) {
    errno = EIO;
    return nullptr;
  }
  static const auto system =
      reinterpret_cast<dirent* (*)(DIR*)>(dlsym(RTLD_NEXT, "readdir"));
  dirent* const entry = system(folder);
  gave_name = entry != nullptr && entry->d_name[0] != '.';
  return entry;
}

namespace studio {
namespace {

using ::testing::ElementsAre;

class SafeFolderTest : public networks::files::FolderTest {
 protected:
  SafeFolder Root() const { return SafeFolder::Open(Path("")).value(); }
};

TEST_F(SafeFolderTest, ReadsFilesOfFoldersBelow) {
  std::filesystem::create_directories(Path("a/b"));
  Write("a/b/file", "content");
  const SafeFolder b = Root().Enter("a")->Enter("b").value();
  EXPECT_EQ(b.ReadFile("file", 100).value(), "content");
  EXPECT_EQ(b.OpenFile("file")->Read(3, 2).value(), "te");
  EXPECT_EQ(b.OpenFile("file")->Read(99, 2).value(), "");
  EXPECT_TRUE(b.HasFile("file"));
}

TEST_F(SafeFolderTest, TakesNamesOnlyAndNoPaths) {
  std::filesystem::create_directories(Path("a"));
  Write("a/file", "content");
  for (const std::string name :
       {"", ".", "..", "a/file", "/etc/passwd", "../x", "a/"}) {
    EXPECT_FALSE(Root().OpenFile(name).ok()) << name;
    EXPECT_FALSE(Root().Enter(name).ok()) << name;
  }
  EXPECT_FALSE(Root().OpenFile(std::string("a\0file", 6)).ok());
}

TEST_F(SafeFolderTest, FollowsNoLink) {
  std::filesystem::create_directories(Path("inside"));
  Write("inside/file", "content");
  std::filesystem::create_symlink("/etc", Path("folder"));
  std::filesystem::create_symlink("/etc/passwd", Path("file"));
  std::filesystem::create_symlink("inside", Path("within"));
  EXPECT_FALSE(Root().Enter("folder").ok());
  EXPECT_FALSE(Root().Enter("within").ok());
  const auto status = Root().OpenFile("file").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()),
              ::testing::HasSubstr("symbolic link"));
}

TEST_F(SafeFolderTest, TellsFilesApart) {
  Write("a", "content");
  Write("b", "content");
  std::filesystem::create_symlink("a", Path("link"));
  const FileIdentity a = Root().OpenFile("a")->identity();
  EXPECT_TRUE(Root().IsSameFile("a", a));
  for (const char* name : {"b", "link", "none", "./a"}) {
    EXPECT_FALSE(Root().IsSameFile(name, a)) << name;
  }
}

// A pipe without a writer would block whoever opens it.
TEST_F(SafeFolderTest, OpensRegularFilesOnly) {
  ASSERT_EQ(mkfifo(Path("pipe").c_str(), 0600), 0);
  std::filesystem::create_directories(Path("folder"));
  EXPECT_EQ(Root().OpenFile("pipe").status().code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_FALSE(Root().OpenFile("folder").ok());
  EXPECT_FALSE(Root().Enter("pipe").ok());
}

TEST_F(SafeFolderTest, ReadsNoMoreThanIsAllowed) {
  Write("file", std::string(101, 'x'));
  EXPECT_EQ(Root().ReadFile("file", 100).status().code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(Root().ReadFile("file", 101)->size(), 101);
}

TEST_F(SafeFolderTest, ListsNamesSortedWithoutHiddenOnes) {
  for (const char* name : {"b", "a", ".hidden", "c"}) Write(name, "");
  EXPECT_THAT(Root().Names(10).value(), ElementsAre("a", "b", "c"));
  EXPECT_THAT(Root().Names(2).value(), ElementsAre("b", "c"));
  EXPECT_THAT(Root().Names(10).value(), ElementsAre("a", "b", "c"));
}

// In whatever order the system gives them.
TEST_F(SafeFolderTest, ListsTheLastNamesOfMany) {
  constexpr int kMany = 100;
  for (int i = 0; i < kMany; ++i) Write(absl::StrCat(100 + i * 37 % kMany), "");
  EXPECT_THAT(Root().Names(3).value(), ElementsAre("197", "198", "199"));
}

// An epoch has five digits or more.
TEST_F(SafeFolderTest, ListsNamesByTheirNumbers) {
  for (const char* name : {"epoch-100000", "epoch-00900", "epoch-99000"}) {
    Write(name, "");
  }
  EXPECT_THAT(Root().Names(10).value(),
              ElementsAre("epoch-00900", "epoch-99000", "epoch-100000"));
}

TEST_F(SafeFolderTest, GivesNoPartOfAListThatCannotBeReadToItsEnd) {
  Write("a", "");
  Write("b", "");
  disk_fails = true;
  const auto names = Root().Names(10);
  disk_fails = false;
  EXPECT_EQ(names.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(names.status().message()),
              ::testing::HasSubstr(Path("")));
}

TEST_F(SafeFolderTest, AFolderThatIsNotThereIsNotFound) {
  EXPECT_EQ(SafeFolder::Open(Path("none")).status().code(),
            absl::StatusCode::kNotFound);
  EXPECT_EQ(Root().Enter("none").status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(Root().OpenFile("none").status().code(),
            absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace studio
