#include "pipelines/evaluation/animation_sheet.h"

#include <set>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace pipelines {
namespace {

using ::testing::ElementsAre;

TEST(ChooseSheetClips, KeepsSourcesAndDrivingClipsApart) {
  const SheetClips clips = ChooseSheetClips(12, 4);
  EXPECT_EQ(clips.sources.size(), 4u);
  EXPECT_EQ(clips.drivings.size(), 4u);
  std::set<int> all(clips.sources.begin(), clips.sources.end());
  all.insert(clips.drivings.begin(), clips.drivings.end());
  EXPECT_EQ(all.size(), 8u);
  EXPECT_GE(*all.begin(), 0);
  EXPECT_LT(*all.rbegin(), 12);
}

TEST(ChooseSheetClips, UsesFewClipsForBoth) {
  const SheetClips clips = ChooseSheetClips(3, 4);
  EXPECT_THAT(clips.sources, ElementsAre(0, 1, 2));
  EXPECT_THAT(clips.drivings, ElementsAre(1, 2, 0));
  EXPECT_THAT(ChooseSheetClips(1, 4).drivings, ElementsAre(0));
}

}  // namespace
}  // namespace pipelines
