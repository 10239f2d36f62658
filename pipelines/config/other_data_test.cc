#include "pipelines/config/other_data.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines {
namespace {

using ::absl::StatusCode;
using ::testing::HasSubstr;

Config WithPuppets() {
  Config config;
  config.mutable_data()->mutable_puppets()->set_num_test(3);
  config.mutable_data()->set_width(64);
  config.mutable_data()->set_height(64);
  return config;
}

TEST(UseOtherData, ChangesNothingWhereNothingIsAsked) {
  Config config = WithPuppets();
  ASSERT_THAT(UseOtherData({}, &config), IsOk());
  EXPECT_EQ(config.SerializeAsString(), WithPuppets().SerializeAsString());
}

TEST(UseOtherData, TakesAFolderInsteadOfThePuppets) {
  Config config = WithPuppets();
  ASSERT_THAT(UseOtherData({{}, "clips", ""}, &config), IsOk());
  EXPECT_EQ(config.data().folder(), "clips");
  EXPECT_FALSE(config.data().has_puppets());
}

TEST(UseOtherData, PutsTheSizeAfterTheOverrides) {
  Config config = WithPuppets();
  ASSERT_THAT(UseOtherData({{"data.width=96", "data.workers=3"}, "", "512x384"},
                           &config),
              IsOk());
  EXPECT_EQ(config.data().workers(), 3);
  EXPECT_EQ(config.data().width(), 512);
  EXPECT_EQ(config.data().height(), 384);
}

TEST(UseOtherData, NamesWhatIsWrong) {
  Config config = WithPuppets();
  EXPECT_THAT(UseOtherData({{"data.widht=96"}, "", ""}, &config),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("widht")));
  EXPECT_THAT(UseOtherData({{}, "", "big"}, &config),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("big")));
}

TEST(RefuseOverridesOfTraining, RefusesHowPairsAreDrawn) {
  EXPECT_THAT(
      RefuseOverridesOfTraining({"data.folder=clips", "data.puppets.num_test=2",
                                 "data.height=64", "evaluation.max_clips=1"},
                                {"evaluation"}),
      IsOk());
  for (const char* drawn : {"data.repeats=7", "data.augmentation.max_zoom=1",
                            "data.sharded=true", "avd.steps=1"}) {
    EXPECT_THAT(RefuseOverridesOfTraining({drawn}, {"evaluation"}),
                StatusIs(StatusCode::kInvalidArgument,
                         HasSubstr("this field has no effect here")))
        << drawn;
  }
}

TEST(RefuseOverridesOfTraining, AsksForTheFieldsOfAMessageOneByOne) {
  EXPECT_THAT(
      RefuseOverridesOfTraining({"data=height: 64 width: 64"}, {"evaluation"}),
      StatusIs(StatusCode::kInvalidArgument,
               HasSubstr("not all fields of data have an effect here; override "
                         "them one by one, as in data.folder=")));
}

}  // namespace
}  // namespace pipelines
