#include "pipelines/animation/sets_picture.h"

#include <torch/types.h>

#include "gtest/gtest.h"

namespace pipelines {
namespace {

constexpr int kSets = 6;
constexpr int kTile = 320, kHeight = 160;

struct Sets {
  cv::Mat picture{100, 200, CV_8UC3, cv::Scalar::all(200)};
  // All sets about the middle, where their numbers cannot all stand.
  torch::Tensor keypoints =
      torch::linspace(-0.2, 0.2, kSets * 5 * 2).view({kSets * 5, 2});
  torch::Tensor reach = torch::zeros({kSets, 8, 16});
};

cv::Vec3b At(const cv::Mat& picture, int tile, int x, int y) {
  const int across = tile % 4, down = tile / 4;
  return picture.at<cv::Vec3b>(down * (kHeight + 30) + y,
                               across * (kTile + 4) + x);
}

TEST(DrawSets, HasATileForEachSetAndOneForAll) {
  const Sets sets;
  const cv::Mat picture =
      DrawSets(sets.picture, sets.keypoints, sets.reach, {});
  EXPECT_EQ(picture.cols, 4 * (kTile + 4));
  EXPECT_EQ(picture.rows, 2 * (kHeight + 30));
  EXPECT_EQ(At(picture, 0, 5, 5), cv::Vec3b::all(200));
}

TEST(DrawSets, IsDarkWhereASetMovesNothing) {
  Sets sets;
  sets.reach[2].slice(1, 8, 16).fill_(0.4);
  const cv::Mat picture =
      DrawSets(sets.picture, sets.keypoints, sets.reach, {});
  EXPECT_EQ(At(picture, 3, 300, 80), cv::Vec3b::all(200));
  EXPECT_EQ(At(picture, 3, 20, 80), cv::Vec3b::all(50));
  EXPECT_EQ(At(picture, 2, 300, 80), cv::Vec3b::all(50));
}

TEST(DrawSets, WritesNoMoreThanTheWhole) {
  Sets sets;
  sets.reach[2].fill_(1);
  const cv::Mat whole = DrawSets(sets.picture, sets.keypoints, sets.reach, {});
  sets.reach[2].fill_(1.02);
  const cv::Mat more = DrawSets(sets.picture, sets.keypoints, sets.reach, {});
  EXPECT_EQ(cv::norm(whole, more, cv::NORM_INF), 0);
}

TEST(DrawSets, WritesNamesUnderTheTiles) {
  const Sets sets;
  SetNames names;
  names.sets = {{"hut\xC3\xA9", {2}}};
  const cv::Mat plain = DrawSets(sets.picture, sets.keypoints, sets.reach, {});
  const cv::Mat named =
      DrawSets(sets.picture, sets.keypoints, sets.reach, names);
  const cv::Rect caption(2 * (kTile + 4), kHeight, kTile, 26);
  EXPECT_NE(cv::norm(plain(caption), named(caption), cv::NORM_INF), 0);
  named(caption).copyTo(plain(caption));
  EXPECT_EQ(cv::norm(plain, named, cv::NORM_INF), 0);
}

}  // namespace
}  // namespace pipelines
