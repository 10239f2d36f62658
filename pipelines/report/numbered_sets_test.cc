#include "pipelines/report/numbered_sets.h"

#include <torch/types.h>

#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "opencv2/imgproc.hpp"
#include "pipelines/report/visualize.h"

namespace pipelines {
namespace {

constexpr int kPerSet = 5;

cv::Mat Grey() { return cv::Mat(100, 200, CV_8UC3, cv::Scalar::all(128)); }

// Where two pictures differ.
cv::Rect Difference(const cv::Mat& a, const cv::Mat& b) {
  cv::Mat difference, any;
  cv::absdiff(a, b, difference);
  cv::transform(difference, any, cv::Matx13f(1, 1, 1));
  return cv::boundingRect(any > 0);
}

// [sets * kPerSet, 2]: all keypoints of a set in one place.
torch::Tensor SetsAt(const std::vector<std::pair<double, double>>& places) {
  std::vector<torch::Tensor> sets;
  for (const auto& [x, y] : places) {
    sets.push_back(torch::tensor({{x, y}}).expand({kPerSet, 2}));
  }
  return torch::cat(sets).to(torch::kFloat32);
}

TEST(DrawSetNumbers, StandWhereTheSetsAre) {
  cv::Mat picture = Grey();
  DrawSetNumbers(SetsAt({{-0.5, 0}}), 1, picture);
  const cv::Rect left = Difference(Grey(), picture);
  EXPECT_NEAR(left.x + left.width / 2.0, 50, 10);
  EXPECT_NEAR(left.y + left.height / 2.0, 50, 10);
}

TEST(DrawSetNumbers, DoNotCoverEachOther) {
  cv::Mat both = Grey(), first = Grey();
  DrawSetNumbers(SetsAt({{0, 0}, {0, 0}}), 2, both);
  DrawSetNumbers(SetsAt({{0, 0}}), 1, first);
  const cv::Rect one = Difference(Grey(), first);
  EXPECT_EQ(cv::norm(both(one), first(one), cv::NORM_INF), 0);
  EXPECT_GT(Difference(Grey(), both).area(), one.area());
}

TEST(DrawSetNumbers, StayInsideThePicture) {
  cv::Mat picture = Grey();
  DrawSetNumbers(SetsAt({{5, -5}}), 1, picture);
  EXPECT_FALSE(Difference(Grey(), picture).empty());
}

TEST(DrawKeypointsOfSet, LeavesOutTheOtherSets) {
  const torch::Tensor keypoints = SetsAt({{-0.5, 0}, {0.5, 0}});
  cv::Mat picture = Grey(), alone = Grey();
  DrawKeypointsOfSet(keypoints, kPerSet, 1, picture);
  const cv::Rect drawn = Difference(Grey(), picture);
  EXPECT_GT(drawn.x, 100);
  EXPECT_EQ(picture.at<cv::Vec3b>(50, 149),
            cv::Vec3b(ColorOfSet(1)[0], ColorOfSet(1)[1], ColorOfSet(1)[2]));
}

TEST(DrawNumberedParts, NumbersTheSetsThatLead) {
  // Set 1 on the left half, set 2 nowhere ahead of the background.
  torch::Tensor maps = torch::zeros({3, 8, 16});
  maps[1].slice(1, 0, 8) = 1;
  maps[0].slice(1, 8, 16) = 1;
  const cv::Mat numbered = DrawNumberedParts(maps, 2, {160, 80});
  cv::Mat plain;
  cv::resize(ContributionPicture(maps, 2), plain, {160, 80}, 0, 0,
             cv::INTER_CUBIC);
  const cv::Rect number = Difference(plain, numbered);
  EXPECT_NEAR(number.x + number.width / 2.0, 40, 6);
  EXPECT_NEAR(number.y + number.height / 2.0, 40, 6);
}

}  // namespace
}  // namespace pipelines
