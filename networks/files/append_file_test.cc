#include "networks/files/append_file.h"

#include <filesystem>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/files/testing_folder.h"
#include "third_party/absl/status_matchers.h"

namespace networks::files {
namespace {

using ::absl::StatusCode;
using ::testing::HasSubstr;

using AppendFileTest = FolderTest;

TEST_F(AppendFileTest, GrowsWhileItIsRead) {
  AppendFile file =
      AppendFile::Open(Path("log"), AppendFile::Start::kNew).value();
  ASSERT_THAT(file.Append("a\n"), IsOk());
  EXPECT_EQ(Contents("log"), "a\n");
  file = AppendFile::Open(Path("log"), AppendFile::Start::kContinue).value();
  ASSERT_THAT(file.Append("b\n"), IsOk());
  ASSERT_THAT(file.Sync(), IsOk());
  EXPECT_EQ(Contents("log"), "a\nb\n");
  EXPECT_THAT(file.Size(), IsOkAndHolds(4));
  ASSERT_THAT(file.Truncate(2), IsOk());
  ASSERT_THAT(file.Append("c\n"), IsOk());
  EXPECT_EQ(Contents("log"), "a\nc\n");
}

TEST_F(AppendFileTest, TouchesNothingElse) {
  Write("victim", "precious");
  std::filesystem::create_symlink(Path("victim"), Path("link"));
  EXPECT_THAT(AppendFile::Open(Path("victim"), AppendFile::Start::kNew),
              StatusIs(StatusCode::kAlreadyExists, HasSubstr(Path("victim"))));
  for (const std::string& path :
       {Path("link"), folder_, std::string("/dev/full")}) {
    EXPECT_THAT(AppendFile::Open(path, AppendFile::Start::kContinue),
                StatusIs(StatusCode::kInvalidArgument, HasSubstr(path)));
  }
  EXPECT_EQ(Contents("victim"), "precious");
}

}  // namespace
}  // namespace networks::files
