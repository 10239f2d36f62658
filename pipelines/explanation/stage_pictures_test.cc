#include "pipelines/explanation/stage_pictures.h"

#include <torch/types.h>

#include "gtest/gtest.h"
#include "networks/sampling.h"

namespace pipelines {
namespace {

constexpr int kTile = 64;
constexpr int kStep = kTile + 4;      // from tile to tile
constexpr int kRow = kTile + 4 + 26;  // with the caption
constexpr int kScale = 24;

// Two sets of five keypoints, a background, and a global motion if wanted; all
// candidates at rest but set 2, which looks to the left.
Stages MadeUp(bool global, bool is_relative) {
  Stages stages;
  stages.model.set_num_transforms(2);
  stages.model.set_global_transform(global);
  stages.model.mutable_local()->mutable_cpab();
  stages.model.mutable_global()->mutable_cpab();
  const int64_t count = global ? 4 : 3;
  stages.source = torch::full({3, 32, 32}, 0.25);
  stages.source[0].slice(1, 16, 32) = 1;  // the right half is red
  stages.driving = torch::full({3, 32, 32}, 0.75);
  stages.source_keypoints = torch::full({10, 2}, -0.5);
  stages.driving_keypoints = torch::full({10, 2}, 0.5);
  stages.keypoints = stages.driving_keypoints;
  stages.is_relative = is_relative;
  const torch::Tensor rest = networks::CoordinateGrid(9, 9, torch::kFloat32);
  stages.candidates = rest.expand({count, -1, -1, -1}).clone();
  stages.candidates[2].select(2, 0) -= 1;
  stages.contributions = torch::zeros({count, 8, 8});
  stages.contributions[0] = 1;
  stages.source_from_driving = networks::CoordinateGrid(8, 8, torch::kFloat32);
  stages.occlusion_maps = {torch::full({1, 4, 4}, 0.5),
                           torch::full({1, 32, 32}, 1.0)};
  stages.warped = stages.source;
  stages.result = torch::full({3, 32, 32}, 0.5);
  return stages;
}

cv::Vec3b At(const cv::Mat& sheet, int column, int row, int x, int y) {
  return sheet.at<cv::Vec3b>(row * kRow + y, column * kStep + x);
}

TEST(DrawStages, HasTilesForAllThatAModelHas) {
  const StagePictures with = DrawStages(MadeUp(true, true), kTile);
  EXPECT_EQ(with.keypoints.size(), cv::Size(3 * kStep, kRow));
  EXPECT_EQ(with.candidates.size(), cv::Size(4 * kStep, 2 * kRow));
  EXPECT_EQ(with.contributions.size(), cv::Size(4 * kStep, 2 * kRow + kScale));
  EXPECT_EQ(with.motion.size(), cv::Size(4 * kStep, kRow));
  EXPECT_EQ(with.occlusion.size(), cv::Size(2 * kStep, kRow + kScale));
  EXPECT_EQ(with.result.size(), cv::Size(4 * kStep, kRow));

  const StagePictures without = DrawStages(MadeUp(false, false), kTile);
  EXPECT_EQ(without.keypoints.size(), cv::Size(2 * kStep, kRow));
  EXPECT_EQ(without.candidates.size(), cv::Size(4 * kStep, 2 * kRow));
  EXPECT_EQ(without.contributions.size(), cv::Size(4 * kStep, kRow + kScale));
}

TEST(DrawStages, ShowsTheScaleOfMaps) {
  const cv::Mat sheet = DrawStages(MadeUp(true, false), kTile).occlusion;
  // Dark violet for 0, yellow for 1.
  const cv::Vec3b low = sheet.at<cv::Vec3b>(kRow + 8, 26);
  const cv::Vec3b high = sheet.at<cv::Vec3b>(kRow + 8, 2 * kStep - 26);
  EXPECT_LT(low[0] + low[1] + low[2], 200);
  EXPECT_GT(high[0] + high[1], 400);
}

TEST(DrawStages, ShowsTheFramesOfTheResult) {
  const cv::Mat result = DrawStages(MadeUp(true, false), kTile).result;
  EXPECT_EQ(At(result, 0, 0, 60, 30), cv::Vec3b(255, 64, 64));
  EXPECT_EQ(At(result, 1, 0, 30, 30), cv::Vec3b::all(191));
  EXPECT_EQ(At(result, 3, 0, 30, 30), cv::Vec3b::all(128));
}

// Set 2 looks half a frame to the left, so its warped source is not red on the
// right, as that of set 1 is, and black where it looks beyond the border.
TEST(DrawStages, WarpsTheSourceByEachCandidateAlone) {
  const cv::Mat sheet = DrawStages(MadeUp(true, false), kTile).candidates;
  const auto redness = [&](int column, int row) {
    const cv::Mat right = sheet({column * kStep + 40, row * kRow + 4, 20, 20});
    return cv::mean(right)[0] - cv::mean(right)[1];
  };
  EXPECT_GT(redness(2, 0), 50);  // set 1
  EXPECT_LT(redness(0, 1), 20);  // set 2
}

TEST(DrawStages, MovesTheLinesOfACandidate) {
  const Stages stages = MadeUp(true, false);
  const cv::Mat sheet = DrawStages(stages, kTile).candidates;
  const auto tile = [&](int column, int row) {
    return sheet({column * kStep, row * kRow, kTile, kTile});
  };
  // In the source, set 1's lines are as those of all sets together, but for the
  // keypoints; set 2's have left the right half.
  const cv::Rect right(40, 2, 20, 60);
  cv::Scalar mean, rest, moved, ignored;
  cv::meanStdDev(tile(3, 0)(right), mean, rest);
  cv::meanStdDev(tile(1, 1)(right), ignored, moved);
  EXPECT_GT(rest[2], 10);
  EXPECT_LT(moved[2], 1);
}

TEST(DrawStages, HasNoCellsOfOtherMotionModels) {
  Stages stages = MadeUp(true, false);
  const cv::Mat cpab = DrawStages(stages, kTile).candidates;
  stages.model.mutable_local()->mutable_affine();
  const cv::Mat affine = DrawStages(stages, kTile).candidates;
  const cv::Rect set1(2 * kStep, 0, kTile, kTile);
  const cv::Rect all(2 * kStep, kRow, kTile, kTile);
  EXPECT_NE(cv::norm(cpab(set1), affine(set1), cv::NORM_INF), 0);
  EXPECT_EQ(cv::norm(cpab(all), affine(all), cv::NORM_INF), 0);
}

TEST(DrawStages, DrawsArrowsWhereSomethingMoves) {
  Stages stages = MadeUp(true, false);
  const cv::Rect arrows(2 * kStep, 0, kTile, kTile);
  const cv::Mat rest = DrawStages(stages, kTile).motion;
  EXPECT_EQ(At(rest, 2, 0, 10, 10), cv::Vec3b::all(38));  // dimmed, no arrow
  stages.source_from_driving.select(2, 0) -= 0.25;
  const cv::Mat moved = DrawStages(stages, kTile).motion;
  EXPECT_NE(cv::norm(rest(arrows), moved(arrows), cv::NORM_INF), 0);
}

TEST(NameOfCandidate, CountsFromOne) {
  const Stages stages = MadeUp(true, false);
  EXPECT_EQ(NameOfCandidate(stages, 0), "background");
  EXPECT_EQ(NameOfCandidate(stages, 2), "set 2");
  EXPECT_EQ(NameOfCandidate(stages, 3), "all sets");
}

}  // namespace
}  // namespace pipelines
