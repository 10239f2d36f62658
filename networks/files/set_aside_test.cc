#include "networks/files/set_aside.h"

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

using SetAsideTest = FolderTest;

TEST_F(SetAsideTest, ReplacesNothing) {
  for (const char* contents : {"first", "second", "third"}) {
    Write("losses.csv", contents);
    if (Contents("losses.csv") == "second") {
      // A link to nowhere has its name, too.
      std::filesystem::create_symlink("none", Path("old-2.csv"));
    }
    EXPECT_THAT(SetAside(Path("losses.csv"), "old.csv"), IsOk());
  }
  EXPECT_THAT(Names(),
              ElementsAre("old-2.csv", "old-3.csv", "old-4.csv", "old.csv"));
  EXPECT_EQ(Contents("old.csv"), "first");
  EXPECT_EQ(Contents("old-3.csv"), "second");
  EXPECT_EQ(Contents("old-4.csv"), "third");
}

TEST_F(SetAsideTest, SaysWhyItCannot) {
  EXPECT_THAT(SetAside(Path("none"), "old"),
              StatusIs(StatusCode::kNotFound,
                       AllOf(HasSubstr(Path("none")), HasSubstr(Path("old")))));
}

}  // namespace
}  // namespace networks::files
