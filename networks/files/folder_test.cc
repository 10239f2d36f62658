#include "networks/files/folder.h"

#include <filesystem>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/files/testing_folder.h"
#include "third_party/absl/status_matchers.h"

namespace networks::files {
namespace {

using ::absl::StatusCode;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

using MakeAndListFolderTest = FolderTest;

TEST_F(MakeAndListFolderTest, MakesAllThatIsMissing) {
  EXPECT_THAT(MakeFolder(Path("a/b/c/")), IsOk());
  EXPECT_TRUE(std::filesystem::is_directory(Path("a/b/c")));
  EXPECT_THAT(MakeFolder(Path("a/b/c")), IsOk());
}

// Trying again cannot help, so the code is not one that says so.
TEST_F(MakeAndListFolderTest, SaysWhyItCannotMakeOne) {
  Write("file", "");
  for (const char* name : {"file", "file/", "file/below"}) {
    EXPECT_THAT(MakeFolder(Path(name)),
                StatusIs(StatusCode::kFailedPrecondition,
                         AllOf(HasSubstr(Path(name)),
                               HasSubstr("cannot make this folder"))))
        << name;
  }
  EXPECT_THAT(MakeFolder("/proc/none"),
              StatusIs(StatusCode::kNotFound, HasSubstr("/proc/none")));
}

TEST_F(MakeAndListFolderTest, ListsAsPeopleCount) {
  for (const char* name :
       {"frame10.png", "frame2.png", "frame02.png", "a", ".hidden", "B",
        "frame1000000000000000000000000.png"}) {
    Write(name, "");
  }
  EXPECT_THAT(ListFolder(folder_),
              IsOkAndHolds(ElementsAre("B", "a", "frame02.png", "frame2.png",
                                       "frame10.png",
                                       "frame1000000000000000000000000.png")));
}

TEST_F(MakeAndListFolderTest, SaysWhyItCannotList) {
  EXPECT_THAT(ListFolder(Path("none")),
              StatusIs(StatusCode::kNotFound, HasSubstr(Path("none"))));
  Write("file", "");
  EXPECT_THAT(
      ListFolder(Path("file")),
      StatusIs(StatusCode::kFailedPrecondition, HasSubstr(Path("file"))));
}

}  // namespace
}  // namespace networks::files
