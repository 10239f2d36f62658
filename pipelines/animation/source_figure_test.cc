#include "pipelines/animation/source_figure.h"

#include "gtest/gtest.h"
#include "opencv2/imgproc.hpp"

namespace pipelines {
namespace {

const cv::Size kSize(96, 96);
const cv::Point kMiddle(48, 48);
constexpr int kRadius = 20;

cv::Mat Disc(int radius) {
  cv::Mat disc(kSize, CV_8UC1, cv::Scalar(0));
  cv::circle(disc, kMiddle, radius, cv::Scalar(255), cv::FILLED);
  return disc;
}

// A red disc on a grey wall, both uneven.
cv::Mat Picture(const cv::Scalar& figure) {
  cv::Mat picture(kSize, CV_8UC3, cv::Scalar(120, 125, 130));
  picture.setTo(figure, Disc(kRadius));
  cv::Mat noise(kSize, CV_8UC3);
  cv::RNG(1).fill(noise, cv::RNG::UNIFORM, 0, 12);
  return picture + noise;
}

// The model's: coarse, and half as large again as the disc.
cv::Mat Coarse(int radius = kRadius * 3 / 2) {
  cv::Mat map;
  cv::resize(Disc(radius), map, {12, 12}, 0, 0, cv::INTER_AREA);
  map.convertTo(map, CV_32F, -1.0 / 255, 1);
  return map;
}

double Differing(const cv::Mat& mask, int radius) {
  return static_cast<double>(
             cv::countNonZero((mask > 0.5) != (Disc(radius) > 0))) /
         static_cast<double>(cv::countNonZero(Disc(radius)));
}

TEST(FigureOfSource, IsWhatDiffersInColourInsideTheMap) {
  const cv::Mat mask = FigureOfSource(Picture({200, 30, 30}), Coarse());
  EXPECT_EQ(mask.type(), CV_32FC1);
  EXPECT_EQ(mask.size(), kSize);
  EXPECT_LT(Differing(mask, kRadius), 0.05);
}

TEST(FigureOfSource, IsTheMapsWhereColoursDoNotTell) {
  const cv::Mat mask = FigureOfSource(Picture({120, 125, 130}), Coarse());
  EXPECT_GT(cv::countNonZero(mask > 0.5), 0.25 * 3.14 * kRadius * kRadius);
  EXPECT_EQ(mask.at<float>(2, 2), 0);
}

TEST(FigureOfSource, IsTheSameEachTimeAndLeavesTheGeneratorAlone) {
  const cv::Mat picture = Picture({200, 30, 30});
  cv::theRNG() = cv::RNG(7);
  const cv::Mat first = FigureOfSource(picture, Coarse());
  EXPECT_EQ(cv::theRNG().state, cv::RNG(7).state);
  cv::theRNG() = cv::RNG(8);
  EXPECT_EQ(cv::norm(first, FigureOfSource(picture, Coarse()), cv::NORM_INF),
            0);
}

TEST(FigureOfSource, TakesMapsOfAllOrNothing) {
  const cv::Mat picture = Picture({200, 30, 30});
  for (const float value : {0.F, 1.F}) {
    const cv::Mat mask =
        FigureOfSource(picture, cv::Mat(4, 4, CV_32FC1, cv::Scalar(value)));
    EXPECT_EQ(cv::countNonZero(mask > 0.5),
              value == 0 ? static_cast<int>(mask.total()) : 0);
  }
  EXPECT_EQ(FigureOfSource(cv::Mat(1, 1, CV_8UC3, cv::Scalar::all(9)), Coarse())
                .total(),
            1);
}

}  // namespace
}  // namespace pipelines
