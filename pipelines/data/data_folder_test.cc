#include "pipelines/data/data_folder.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/files/testing_folder.h"
#include "pipelines/base/work_hooks.h"
#include "pipelines/config/config.pb.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines {
namespace {

using ::absl::StatusCode;
using ::networks::files::ReadText;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

class DataFolderTest : public testing::Test {
 protected:
  DataFolderTest() {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
    SetCacheHome(folder_);
    config_.set_width(16);
    config_.set_height(16);
    config_.mutable_puppets()->set_num_train(1);
    config_.mutable_puppets()->set_num_test(1);
    config_.mutable_puppets()->set_frames_per_clip(2);
  }
  ~DataFolderTest() override { unsetenv("XDG_CACHE_HOME"); }

  static void SetCacheHome(const std::string& path) {
    setenv("XDG_CACHE_HOME", path.c_str(), 1);
  }

  const std::string folder_ = testing::TempDir() + "/cache";
  DataConfig config_;
};

TEST_F(DataFolderTest, MakesThePuppetsOnce) {
  WorkHooks hooks;
  int reports = 0;
  hooks.progress = [&](const WorkProgress&) { ++reports; };
  const auto made = DataFolder(config_, hooks);
  ASSERT_THAT(made, IsOk());
  EXPECT_GT(reports, 0);
  reports = 0;
  EXPECT_THAT(DataFolder(config_, hooks), IsOkAndHolds(*made));
  EXPECT_EQ(reports, 0);
}

TEST_F(DataFolderTest, MakesTheSameTestClipsWithoutTheTrainingClips) {
  config_.mutable_puppets()->set_num_train(3);
  const auto whole = DataFolder(config_);
  ASSERT_THAT(whole, IsOk());
  const auto test = TestDataFolder(config_);
  ASSERT_THAT(test, IsOk());
  EXPECT_TRUE(std::filesystem::exists(*whole + "/train/00001.png"));
  EXPECT_FALSE(std::filesystem::exists(*test + "/train/00001.png"));
  for (const char* name : {"/test/00000.png", "/truth/test/00000/joints.csv",
                           "/truth/test/00000/layers.csv"}) {
    const std::string text = ReadText(*test + name);
    EXPECT_FALSE(text.empty()) << name;
    EXPECT_EQ(text, ReadText(*whole + name)) << name;
  }
  DataConfig own;
  own.set_folder("/clips");
  EXPECT_THAT(TestDataFolder(own), IsOkAndHolds("/clips"));
}

// As with the user of a service, whose home cannot be written.
TEST_F(DataFolderTest, SaysWhereElseThePuppetsMayBeMade) {
  const std::string file = folder_ + "/file";
  std::ofstream(file) << "no folder";
  SetCacheHome(file);
  EXPECT_THAT(DataFolder(config_),
              StatusIs(StatusCode::kFailedPrecondition,
                       AllOf(HasSubstr(file), HasSubstr("XDG_CACHE_HOME"),
                             HasSubstr("data.folder"))));
}

TEST_F(DataFolderTest, NamesNoOtherPlaceWhereThePlaceIsNotAtFault) {
  const std::string folder = DataFolder(config_).value();
  std::filesystem::remove(folder + "/manifest.json");
  EXPECT_THAT(DataFolder(config_),
              StatusIs(StatusCode::kAlreadyExists,
                       AllOf(HasSubstr("remove it"),
                             Not(HasSubstr("XDG_CACHE_HOME")))));
}

// The first thing that a newcomer meets who forgets data.folder, or names the
// videos themselves.
TEST_F(DataFolderTest, SaysHowVideosBecomeClips) {
  DataConfig config;
  config.set_folder("clips");
  config.set_width(128);
  config.set_height(128);
  const std::string videos = folder_ + "/videos";
  std::filesystem::create_directories(videos);
  std::ofstream(videos + "/talk.mp4") << "no video";
  for (const std::string& folder :
       {folder_ + "/nowhere", videos, videos + "/talk.mp4"}) {
    EXPECT_THAT(
        OpenSplit(folder, "train", config, /*seed=*/0),
        StatusIs(StatusCode::kNotFound,
                 AllOf(HasSubstr(folder), HasSubstr("--set data.folder=CLIPS"),
                       HasSubstr("//tools/cut_clips -- --videos VIDEOS "
                                 "--size 128 --output CLIPS"))));
  }
}

TEST_F(DataFolderTest, WarnsOfIdentitiesThatNoNameHas) {
  const std::string folder = DataFolder(config_).value();
  std::vector<std::string> warnings;
  WorkHooks hooks;
  hooks.warn = [&](const std::string& text) { warnings.push_back(text); };
  config_.set_id_sampling(true);
  ASSERT_THAT(OpenSplit(folder, "train", config_, /*seed=*/0, hooks), IsOk());
  ASSERT_THAT(warnings, SizeIs(1));
  EXPECT_THAT(warnings[0], HasSubstr("no name has a '#'"));
  warnings.clear();
  ASSERT_THAT(OpenSplit(folder, "test", config_, /*seed=*/0, hooks), IsOk());
  EXPECT_THAT(warnings, SizeIs(0)) << "only training samples by identities";
  std::filesystem::rename(folder + "/train/00000.png",
                          folder + "/train/id1#0.png");
  warnings.clear();
  ASSERT_THAT(OpenSplit(folder, "train", config_, /*seed=*/0, hooks), IsOk());
  EXPECT_THAT(warnings, SizeIs(0));
}

TEST_F(DataFolderTest, WarnsOfClipsThatAreLeftOut) {
  const std::string root = DataFolder(config_).value();
  std::ofstream(root + "/test/broken.mp4") << "no video";
  config_.set_max_bad_share(0.9);
  WorkHooks hooks;
  std::vector<std::string> warnings;
  hooks.warn = [&](const std::string& text) { warnings.push_back(text); };
  ASSERT_THAT(OpenSplit(root, "test", config_, /*seed=*/0, hooks), IsOk());
  ASSERT_THAT(warnings, SizeIs(1));
  EXPECT_THAT(warnings[0],
              AllOf(HasSubstr("left out "),
                    HasSubstr("/test/broken.mp4: is not a video")));
}

}  // namespace
}  // namespace pipelines
