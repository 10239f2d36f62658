#include "pipelines/evaluation/animation_sheet.h"

#include <torch/types.h>
#include <torch/utils.h>

#include <memory>
#include <set>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "keypoints/transfer.h"
#include "opencv2/imgproc.hpp"
#include "pipelines/animation/animator.h"
#include "pipelines/base/work_hooks.h"
#include "pipelines/checkpoint/checkpoint.h"
#include "pipelines/data/clip.h"
#include "pipelines/data/data_folder.h"
#include "pipelines/data/dataset.h"
#include "pipelines/model/model.h"
#include "pipelines/testing/scoped_environment.h"
#include "pipelines/testing/testing_config.h"
#include "third_party/absl/status_matchers.h"

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

// Frames of 64 x 32 pixels are shown at 160 x 80; the first row and column are
// 9 pixels from the others, which are 3 apart.
constexpr int kTileWidth = 160, kTileHeight = 80;

cv::Mat Tile(const cv::Mat& sheet, int row, int column) {
  return sheet(cv::Rect(column * (kTileWidth + 3) + (column > 0 ? 9 : 0),
                        row * (kTileHeight + 3) + (row > 0 ? 9 : 0), kTileWidth,
                        kTileHeight));
}

cv::Mat AsTile(const cv::Mat& frame) {
  cv::Mat tile;
  cv::resize(frame, tile, {kTileWidth, kTileHeight}, 0, 0, cv::INTER_CUBIC);
  return tile;
}

double Distance(const cv::Mat& a, const cv::Mat& b) {
  return cv::norm(a, b, cv::NORM_INF);
}

class DrawAnimationSheetTest : public testing::Test {
 protected:
  const ScopedCacheFolder cache_;

  void SetUp() override {
    torch::set_num_threads(1);
    trained_.config = *TinyConfig({"data.puppets.num_test=4", "data.width=64"});
    torch::manual_seed(3);
    trained_.model = *AnimationModel::Create(trained_.config.model());
    trained_.model->eval();
    test_ = *OpenSplit(*DataFolder(trained_.config.data()), "test",
                       trained_.config.data(), 0);
  }

  cv::Mat Draw(const SheetClips& clips) {
    const auto sheet = DrawAnimationSheet(trained_, torch::kCPU, *test_, clips);
    EXPECT_THAT(sheet, IsOk());
    return sheet.value_or(cv::Mat());
  }

  std::vector<cv::Mat> Frames(int clip) {
    return (*test_->ReadWholeClip(clip))->frames;
  }
  cv::Mat Farthest(int clip) {
    const auto whole = *test_->ReadWholeClip(clip);
    return whole->frames[data::FarthestFrame(*whole)];
  }

  TrainedModel trained_;
  std::unique_ptr<data::Dataset> test_;
};

TEST_F(DrawAnimationSheetTest, ShowsWhatIsGivenAndWhatTheAnimatorMakesOfIt) {
  const cv::Mat sheet = Draw({{2}, {1, 3}});
  ASSERT_EQ(sheet.type(), CV_8UC3);
  ASSERT_EQ(sheet.size(), cv::Size(3 * 163 + 9, 2 * 83 + 9));
  EXPECT_EQ(Distance(Tile(sheet, 0, 0), cv::Mat(kTileHeight, kTileWidth,
                                                CV_8UC3, cv::Scalar::all(255))),
            0);
  EXPECT_EQ(Distance(Tile(sheet, 0, 1), AsTile(Farthest(1))), 0);
  EXPECT_EQ(Distance(Tile(sheet, 0, 2), AsTile(Farthest(3))), 0);
  EXPECT_EQ(Distance(Tile(sheet, 1, 0), AsTile(Frames(2)[0])), 0);
  AnimatorOptions options;
  options.transfer.mode = keypoints::TransferMode::kRelative;
  const auto animator = Animator::Create(trained_, torch::kCPU, options);
  ASSERT_THAT(animator, IsOk());
  const PreparedSource source = (*animator)->PrepareSource(Frames(2)[0]);
  for (const int column : {1, 2}) {
    const int driving = column == 1 ? 1 : 3;
    (*animator)->BeginDriving();
    const cv::Mat moved =
        (*animator)
            ->Animate(source, {Frames(driving)[0], Farthest(driving)})
            .pictures[1];
    EXPECT_EQ(Distance(Tile(sheet, 1, column), AsTile(moved)), 0) << column;
  }
}

// Each cell is that of a sheet of its source and driving clip alone: nothing is
// left of the driving clip before.
TEST_F(DrawAnimationSheetTest, HasCellsThatDependOnTheirClipsOnly) {
  const std::vector<int> sources = {0, 2}, drivings = {1, 3};
  const cv::Mat sheet = Draw({sources, drivings});
  for (int row = 0; row < 2; ++row) {
    for (int column = 0; column < 2; ++column) {
      const cv::Mat alone = Draw({{sources[row]}, {drivings[column]}});
      EXPECT_EQ(Distance(Tile(sheet, row + 1, column + 1), Tile(alone, 1, 1)),
                0)
          << "row " << row << ", column " << column;
    }
  }
  EXPECT_GT(Distance(Tile(sheet, 1, 1), Tile(sheet, 2, 1)), 0);
  EXPECT_GT(Distance(Tile(sheet, 1, 1), Tile(sheet, 1, 2)), 0);
}

TEST_F(DrawAnimationSheetTest, StopsWhenItIsTo) {
  WorkHooks hooks;
  hooks.stop = [] { return true; };
  EXPECT_THAT(
      DrawAnimationSheet(trained_, torch::kCPU, *test_, {{0}, {1}}, hooks),
      StatusIs(absl::StatusCode::kCancelled, testing::_));
}

}  // namespace
}  // namespace pipelines
