#include "pipelines/config/other_data.h"

#include <filesystem>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "pipelines/testing/scoped_environment.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines {
namespace {

namespace fs = std::filesystem;
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

TEST(MakeFolderAbsolute, MakesItTheSameFromAnyFolder) {
  const ScopedEnvironment stands("CPAB_USER_DIRECTORY", "/home/me/videos");
  DataConfig data;
  MakeFolderAbsolute(&data);
  EXPECT_FALSE(data.has_folder());
  for (const char* named :
       {"../clips", "../clips/", "/home/me/clips", "/home/me/x/../clips//"}) {
    data.set_folder(named);
    MakeFolderAbsolute(&data);
    EXPECT_EQ(data.folder(), "/home/me/clips") << named;
  }
  LeaveOutParentFolders(&data);
  EXPECT_EQ(data.folder(), "clips");
  LeaveOutParentFolders(&data);
  EXPECT_EQ(data.folder(), "clips");
  EXPECT_EQ(AbsoluteFolder(""), "");
}

TEST(AbsoluteFolder, LeadsWhereItLedThroughLinks) {
  const fs::path root =
      fs::path(testing::TempDir()).lexically_normal() / "absolute_folder";
  fs::remove_all(root);
  fs::create_directories(root / "disk/set");
  fs::create_directories(root / "disk/clips");
  fs::create_directory_symlink(root / "disk/set", root / "set");
  const std::string through = root / "set/../clips";
  EXPECT_EQ(AbsoluteFolder(through), through);
  EXPECT_EQ(AbsoluteFolder(root / "disk/set/../clips/"),
            (root / "disk/clips").string());
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
