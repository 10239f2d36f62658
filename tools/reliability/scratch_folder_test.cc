#include "tools/reliability/scratch_folder.h"

#include <fstream>
#include <utility>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/files/testing_folder.h"
#include "third_party/absl/status_matchers.h"

namespace reliability {
namespace {

using ::absl::StatusCode;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using ScratchFolderTest = networks::files::FolderTest;

TEST_F(ScratchFolderTest, LeavesWhatTheUserHas) {
  Write("trial-1", "a thesis");
  {
    auto one = ScratchFolder::Make(folder_, "trial");
    const auto two = ScratchFolder::Make(folder_, "trial");
    ASSERT_THAT(one, IsOk());
    ASSERT_THAT(two, IsOk());
    EXPECT_NE(one->path(), two->path());
    const ScratchFolder moved = *std::move(one);
    std::ofstream(moved.path() + "/file") << "on the way";
    EXPECT_THAT(Names(), SizeIs(3));
  }
  EXPECT_THAT(Names(), ElementsAre("trial-1"));
}

TEST_F(ScratchFolderTest, IsMadeWithTheFoldersAboveIt) {
  EXPECT_THAT(ScratchFolder::Make(Path("new/folder"), "trial"), IsOk());
  EXPECT_THAT(Names(), ElementsAre("new"));
}

TEST_F(ScratchFolderTest, OfAFileIsAnError) {
  Write("file", "text");
  EXPECT_THAT(ScratchFolder::Make(Path("file"), "trial"),
              StatusIs(StatusCode::kFailedPrecondition, HasSubstr("file")));
}

}  // namespace
}  // namespace reliability
