#include "pipelines/training/run_folder.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/files/testing_folder.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines {
namespace {

namespace fs = std::filesystem;
using ::absl::StatusCode;
using ::networks::files::FreshTestFolder;
using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(RunFolder, IsOfOneProcessAtATime) {
  const std::string path = FreshTestFolder();
  {
    const auto folder = RunFolder::Open(path);
    ASSERT_THAT(folder, IsOk());
    EXPECT_THAT(RunFolder::Open(path),
                StatusIs(StatusCode::kUnavailable,
                         HasSubstr(absl::StrCat("process ", getpid()))));
  }
  EXPECT_THAT(RunFolder::Open(path), IsOk());
}

TEST(RunFolder, HasNoSlashAtItsEnd) {
  const std::string path = FreshTestFolder();
  const auto folder = RunFolder::Open(path + "/");
  ASSERT_THAT(folder, IsOk());
  EXPECT_EQ(folder->path(), path);
}

TEST(RunFolder, ReplacesNothingThatIsNotOfARun) {
  const std::string path = FreshTestFolder();
  fs::create_directories(path);
  std::ofstream(path + "/notes.txt") << "mine";
  std::ofstream(path + "/index.html") << "precious";
  EXPECT_THAT(RunFolder::Open(path),
              StatusIs(StatusCode::kAlreadyExists,
                       AllOf(HasSubstr(path + "/index.html exists"),
                             HasSubstr("holds no training run"))));
  EXPECT_FALSE(fs::exists(path + "/lock"));
  fs::remove(path + "/index.html");
  ASSERT_THAT(RunFolder::Open(path), IsOk());
  std::ofstream(path + "/index.html") << "of the run";
  EXPECT_THAT(RunFolder::Open(path), IsOk());
}

TEST(RunFolder, TakesADeletedLockAnew) {
  const std::string path = FreshTestFolder();
  auto folder = RunFolder::Open(path);
  ASSERT_THAT(folder, IsOk());
  ASSERT_TRUE(fs::remove(path + "/lock"));
  EXPECT_THAT(folder->KeepLock(), IsOk());
  EXPECT_THAT(RunFolder::Open(path),
              StatusIs(StatusCode::kUnavailable, testing::_));
}

TEST(RunFolder, SaysWhoHasTakenADeletedLock) {
  const std::string path = FreshTestFolder();
  auto folder = RunFolder::Open(path);
  ASSERT_THAT(folder, IsOk());
  ASSERT_TRUE(fs::remove(path + "/lock"));
  const auto other = RunFolder::Open(path);
  ASSERT_THAT(other, IsOk());
  EXPECT_THAT(folder->KeepLock(),
              StatusIs(StatusCode::kUnavailable,
                       AllOf(HasSubstr("the lock of this run was deleted"),
                             HasSubstr(absl::StrCat("process ", getpid())))));
}

// Of killed sessions, and of nobody else.
TEST(RunFolder, RemovesHalfWrittenFilesOnly) {
  const std::string path = FreshTestFolder();
  fs::create_directories(path + "/checkpoints");
  for (const char* name :
       {"losses.csv.tmp.12.3", "checkpoints/step-000000002.safetensors.tmp.1.0",
        "notes.tmp.txt", "my.tmp.12.csv", "tmp.1.2"}) {
    std::ofstream(path + "/" + name) << "text";
  }
  ASSERT_THAT(RunFolder::Open(path), IsOk());
  EXPECT_FALSE(fs::exists(path + "/losses.csv.tmp.12.3"));
  EXPECT_TRUE(fs::is_empty(path + "/checkpoints"));
  for (const char* name : {"notes.tmp.txt", "my.tmp.12.csv", "tmp.1.2"}) {
    EXPECT_TRUE(fs::exists(path + "/" + name)) << name;
  }
}

}  // namespace
}  // namespace pipelines
