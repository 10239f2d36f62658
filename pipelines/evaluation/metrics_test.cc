#include "pipelines/evaluation/metrics.h"

#include <cmath>

#include "gtest/gtest.h"
#include "opencv2/imgproc.hpp"

namespace pipelines {
namespace {

cv::Mat Texture() {
  cv::Mat image(64, 64, CV_8UC3);
  cv::RNG rng(1);
  rng.fill(image, cv::RNG::UNIFORM, 0, 256);
  return image;
}

TEST(ScoreFrame, EqualFramesScoreBest) {
  const FrameScore score = ScoreFrame(Texture(), Texture());
  EXPECT_EQ(score.l1, 0);
  EXPECT_EQ(score.psnr, 100);
  EXPECT_NEAR(score.ssim, 1, 1e-6);
}

// A constant difference of c: L1 = c / 255, PSNR = 20 log10(255 / c).
TEST(ScoreFrame, ConstantDifferenceHasAClosedForm) {
  const cv::Mat dark(32, 48, CV_8UC3, cv::Scalar::all(100));
  const cv::Mat light(32, 48, CV_8UC3, cv::Scalar::all(151));
  const FrameScore score = ScoreFrame(dark, light);
  EXPECT_NEAR(score.l1, 0.2, 1e-12);
  EXPECT_NEAR(score.psnr, 13.979, 1e-3);
  // Without variance SSIM is its luminance term; window sums stay constant.
  EXPECT_NEAR(score.ssim,
              (2 * 100. * 151 + 6.5025) / (1e4 + 151. * 151 + 6.5025), 1e-4);
}

TEST(ScoreFrame, BlurLowersTheStructuralScore) {
  cv::Mat blurred;
  cv::GaussianBlur(Texture(), blurred, {0, 0}, 2);
  EXPECT_LT(ScoreFrame(blurred, Texture()).ssim, 0.5);
}

FrameScore Score(double l1, double psnr, double ssim) {
  FrameScore score;
  score.l1 = l1;
  score.psnr = psnr;
  score.ssim = ssim;
  return score;
}

TEST(MeanScore, IsTheMean) {
  MeanScore mean;
  mean.Add(Score(0.1, 20, 0.5));
  mean.Add(Score(0.3, 30, 0.7));
  EXPECT_EQ(mean.count(), 2);
  EXPECT_DOUBLE_EQ(mean.Mean().l1, 0.2);
  EXPECT_DOUBLE_EQ(mean.Mean().psnr, 25);
  EXPECT_DOUBLE_EQ(mean.Mean().ssim, 0.6);
  EXPECT_FALSE(mean.Mean().lpips.has_value());
}

TEST(MeanScore, LeavesThePsnrOfEqualFramesOut) {
  MeanScore mean;
  mean.Add(ScoreFrame(Texture(), Texture()));
  EXPECT_EQ(mean.Mean().psnr, 100);
  mean.Add(Score(0.2, 20, 0.5));
  EXPECT_DOUBLE_EQ(mean.Mean().psnr, 20);
  EXPECT_DOUBLE_EQ(mean.Mean().l1, 0.1);
}

// One value of 196608 is off by one: 101.07 dB.
TEST(MeanScore, CountsThePsnrOfFramesThatAreNearlyEqual) {
  const cv::Mat grey(256, 256, CV_8UC3, cv::Scalar::all(100));
  cv::Mat other = grey.clone();
  ++other.data[0];
  MeanScore mean;
  mean.Add(ScoreFrame(other, grey));
  mean.Add(Score(0.2, 20, 0.5));
  EXPECT_DOUBLE_EQ(mean.Mean().psnr, 60);
}

TEST(MeanScore, OfLpipsIsOverThoseThatHaveIt) {
  MeanScore mean;
  FrameScore score = Score(0.1, 20, 0.5);
  mean.Add(score);
  for (const double lpips : {0.2, 0.4}) {
    score.lpips = lpips;
    mean.Add(score);
  }
  EXPECT_DOUBLE_EQ(*mean.Mean().lpips, 0.3);
}

// A clip counts by its frames.
TEST(MeanScore, OfMeansIsOverTheirFrames) {
  MeanScore few, all;
  FrameScore with_lpips = Score(0.5, 20, 0.5);
  with_lpips.lpips = 0.2;
  few.Add(with_lpips);
  all += few;
  EXPECT_DOUBLE_EQ(*all.Mean().lpips, 0.2);
  MeanScore many;
  many.Add(Score(0, 100, 0.9));
  many.Add(Score(0.3, 30, 0.8));
  many.Add(Score(0.4, 40, 0.6));
  all += many;
  EXPECT_EQ(all.count(), 4);
  EXPECT_DOUBLE_EQ(all.Mean().l1, 0.3);
  EXPECT_DOUBLE_EQ(all.Mean().ssim, 0.7);
  EXPECT_DOUBLE_EQ(all.Mean().psnr, 30);  // of the three that are not equal
  EXPECT_DOUBLE_EQ(*all.Mean().lpips, 0.2);
}

TEST(IsWorse, NotANumberIsTheWorst) {
  EXPECT_TRUE(IsWorse(Score(0.3, 0, 0), Score(0.2, 0, 0)));
  EXPECT_FALSE(IsWorse(Score(0.2, 0, 0), Score(0.2, 0, 0)));
  EXPECT_TRUE(IsWorse(Score(NAN, 0, 0), Score(1e9, 0, 0)));
  EXPECT_FALSE(IsWorse(Score(NAN, 0, 0), Score(NAN, 0, 0)));
}

}  // namespace
}  // namespace pipelines
