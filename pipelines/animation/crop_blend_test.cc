#include "pipelines/animation/crop_blend.h"

#include "gtest/gtest.h"

namespace pipelines {
namespace {

constexpr double kFade = 0.25;

BlendedCrop About(cv::Rect box) {
  return {box, (cv::Point2d(box.tl()) + cv::Point2d(box.br())) / 2};
}

CropBlend Single(cv::Size picture, cv::Rect box, double fade) {
  return CropBlend(picture, {About(box)}, {fade});
}

cv::Mat Noise(cv::Size size, int seed) {
  cv::Mat picture(size, CV_8UC3);
  cv::RNG(seed).fill(picture, cv::RNG::UNIFORM, 0, 256);
  return picture;
}

cv::Mat Grey(cv::Size size, int value) {
  return cv::Mat(size, CV_8UC3, cv::Scalar::all(value));
}

double Largest(const cv::Mat& a, const cv::Mat& b) {
  return cv::norm(a, b, cv::NORM_INF);
}

class CropBlendTest : public testing::TestWithParam<double> {};

INSTANTIATE_TEST_SUITE_P(Fades, CropBlendTest, testing::Values(0, 0.1, kFade));

TEST_P(CropBlendTest, PutsTheCropInAndLeavesItsBorderAndTheRest) {
  const cv::Mat picture = Noise({80, 60}, 1);
  const cv::Rect box(20, 10, 36, 36);
  const cv::Mat pasted = Single(picture.size(), box, GetParam())
                             .Paste(picture, {Grey({24, 24}, 200)});
  EXPECT_EQ(pasted.at<cv::Vec3b>(28, 38), cv::Vec3b::all(200));  // the middle
  cv::Mat outside = pasted.clone();
  const cv::Rect inner(box.x + 1, box.y + 1, box.width - 2, box.height - 2);
  picture(inner).copyTo(outside(inner));
  EXPECT_EQ(Largest(outside, picture), 0);
}

TEST_P(CropBlendTest, ReturnsThePictureWhenTheCropsAreItsOwn) {
  const cv::Mat picture = Noise({70, 50}, 2);
  const cv::Rect one(10, 5, 40, 40), other(30, 0, 40, 40);
  const CropBlend blend(picture.size(), {About(one), About(other)},
                        {GetParam()});
  EXPECT_EQ(
      Largest(blend.Paste(picture, {picture(one), picture(other)}), picture),
      0);
}

TEST_P(CropBlendTest, DoesNotFadeAtThePicturesOwnBorder) {
  const cv::Size size(40, 40);
  const CropBlend blend = Single(size, {0, 0, 40, 40}, GetParam());
  EXPECT_EQ(
      Largest(blend.Paste(Grey(size, 0), {Grey(size, 90)}), Grey(size, 90)), 0);
  EXPECT_EQ(Largest(blend.MotionShare(0, {16, 16}),
                    cv::Mat(16, 16, CV_32F, cv::Scalar(1))),
            0);
}

TEST_P(CropBlendTest, ChangesByNoMoreThanARampsStep) {
  const cv::Mat pasted = Single({80, 60}, {20, 10, 36, 36}, GetParam())
                             .Paste(Grey({80, 60}, 40), {Grey({36, 36}, 200)});
  // Ramps of 3, 1 and 3 pixels. The outermost pixel is the picture's, so that
  // of 1 is one whole step.
  const int step = GetParam() == 0.1 ? 160 : 160 / 3 + 1;
  for (int x = 15; x < 60; ++x) {
    EXPECT_LE(std::abs(pasted.at<cv::Vec3b>(28, x)[0] -
                       pasted.at<cv::Vec3b>(28, x + 1)[0]),
              step)
        << x;
  }
}

// Where pixels are mixed, the two are one picture.
TEST(CropBlend, ShowsNoMotionWhereItMixesPixels) {
  const cv::Size picture(400, 300);
  const cv::Rect box(100, 50, 200, 200);
  const CropBlend blend = Single(picture, box, kFade);
  const cv::Mat share = blend.MotionShare(0, box.size());
  const cv::Mat pasted =
      blend.Paste(Grey(picture, 0), {Grey(box.size(), 255)})(box);
  for (int y = 0; y < box.height; ++y) {
    for (int x = 0; x < box.width; ++x) {
      if (share.at<float>(y, x) == 0) continue;
      EXPECT_EQ(pasted.at<cv::Vec3b>(y, x)[0], 255) << x << "," << y;
    }
  }
  EXPECT_EQ(share.at<float>(100, 0), 0);
  EXPECT_EQ(share.at<float>(100, 100), 1);
  EXPECT_EQ(share.at<float>(100, 50), 1);  // a quarter of the side
  // At any size the outermost pixels show none.
  for (const int side : {1, 2, 7, 64, 512}) {
    const cv::Mat sized = blend.MotionShare(0, {side, side});
    if (side == 1) continue;  // has no border and no middle
    EXPECT_EQ(cv::countNonZero(sized.row(0)), 0) << side;
    EXPECT_EQ(cv::countNonZero(sized.col(side - 1)), 0) << side;
  }
}

TEST(CropBlend, SharesTheOverlapOfTwoCropsByNearness) {
  const cv::Size size(300, 200);
  const cv::Rect left(20, 20, 160, 160), right(100, 20, 160, 160);
  const CropBlend blend(size, {About(left), About(right)}, {kFade});
  const cv::Mat pasted = blend.Paste(
      Grey(size, 0), {Grey(left.size(), 100), Grey(right.size(), 200)});
  const auto at = [&](int x) { return pasted.at<cv::Vec3b>(100, x)[0]; };
  EXPECT_EQ(at(70), 100);   // left of the overlap
  EXPECT_EQ(at(210), 200);  // right of it
  // About its middle, x = 140, between two pixels.
  EXPECT_NEAR(at(139) + at(140), 300, 1);
  EXPECT_NEAR(at(115), 100, 4);
  EXPECT_NEAR(at(165), 200, 4);
  // Never more than one picture in all, and without a step.
  for (int x = 21; x < 259; ++x) {
    EXPECT_LE(std::abs(at(x) - at(x - 1)), 200 / 13 + 1) << x;  // the feather
  }
  // Motion is none in the middle of the overlap, and whole about the centres.
  for (size_t i = 0; i < 2; ++i) {
    const cv::Mat share = blend.MotionShare(i, {160, 160});
    const int x = 140 - blend.box(i).x;
    EXPECT_NEAR(share.at<float>(80, x - 1), 0, 0.05);
    EXPECT_NEAR(share.at<float>(80, x), 0, 0.05);
    EXPECT_EQ(share.at<float>(80, 80), 1);
  }
}

TEST(CropBlend, LeavesOtherCropsToThePicture) {
  const cv::Size size(300, 200);
  const cv::Rect left(20, 20, 160, 160), right(100, 20, 160, 160);
  const CropBlend blend(size, {About(left)}, {kFade}, {About(right)});
  ASSERT_EQ(blend.num_crops(), 1);
  const cv::Mat pasted = blend.Paste(Grey(size, 0), {Grey(left.size(), 100)});
  EXPECT_EQ(pasted.at<cv::Vec3b>(100, 70)[0], 100);
  EXPECT_NEAR(pasted.at<cv::Vec3b>(100, 165)[0], 0, 4);
  EXPECT_EQ(pasted.at<cv::Vec3b>(100, 210)[0], 0);
  const cv::Mat share = blend.MotionShare(0, {160, 160});
  EXPECT_EQ(share.at<float>(80, 40), 1);
  EXPECT_EQ(share.at<float>(80, 125), 0);
}

TEST(CropBlend, GivesTheCentreOfACropToIt) {
  // The small crop lies inside the large one.
  const cv::Size size(300, 300);
  const cv::Rect large(0, 0, 300, 300), small(60, 60, 60, 60);
  const CropBlend blend(size, {About(large), About(small)}, {kFade});
  const cv::Mat pasted = blend.Paste(
      Grey(size, 0), {Grey(large.size(), 100), Grey(small.size(), 200)});
  EXPECT_NEAR(pasted.at<cv::Vec3b>(90, 90)[0], 200, 1);
  EXPECT_EQ(pasted.at<cv::Vec3b>(60, 90)[0], 100);
  EXPECT_EQ(pasted.at<cv::Vec3b>(150, 150)[0], 100);
}

}  // namespace
}  // namespace pipelines
