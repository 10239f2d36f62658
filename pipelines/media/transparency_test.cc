#include "pipelines/media/transparency.h"

#include <cstdint>

#include "gtest/gtest.h"
#include "opencv2/core.hpp"
#include "opencv2/imgproc.hpp"

namespace pipelines::media {
namespace {

const cv::Scalar kRed(200, 30, 10, 255);

// Random colours and alpha, with corners that are opaque and that cannot be
// seen.
cv::Mat Picture() {
  cv::Mat picture(24, 33, CV_8UC4);
  cv::RNG(7).fill(picture, cv::RNG::UNIFORM, 0, 256);
  picture({0, 0, 8, 8}) = kRed;
  picture({16, 16, 8, 8}) = cv::Scalar(0, 0, 255, 0);
  return picture;
}

cv::Mat Alpha(const cv::Mat& picture) {
  cv::Mat alpha;
  cv::extractChannel(picture, alpha, 3);
  return alpha;
}

TEST(AlphaOf, IsEmptyWhereAllIsOpaque) {
  const cv::Mat picture = Picture();
  EXPECT_EQ(cv::norm(AlphaOf(picture), Alpha(picture), cv::NORM_INF), 0);
  EXPECT_TRUE(AlphaOf(picture({0, 0, 8, 8})).empty());
}

TEST(OnColour, IsThePictureItselfOnWhite) {
  const cv::Mat picture = Picture();
  const cv::Mat on_white = OnWhite(picture);
  EXPECT_EQ(cv::norm(OnColour(on_white, Alpha(picture), {255, 255, 255}),
                     on_white, cv::NORM_INF),
            0);
}

// By the formula, for every alpha and every colour.
TEST(OnColour, ExchangesTheBackground) {
  const cv::Mat picture = Picture();
  const cv::Vec3b colour(0, 90, 255);
  const cv::Mat mixed = OnColour(OnWhite(picture), Alpha(picture), colour);
  for (int y = 0; y < picture.rows; ++y) {
    for (int x = 0; x < picture.cols; ++x) {
      const cv::Vec4b& from = picture.at<cv::Vec4b>(y, x);
      for (int c = 0; c < 3; ++c) {
        const double a = from[3] / 255.0;
        // Rounded twice.
        EXPECT_NEAR(mixed.at<cv::Vec3b>(y, x)[c],
                    a * from[c] + (1 - a) * colour[c], 1);
      }
    }
  }
}

// Within rounding, but where hardly anything is seen: there a share of
// 1 - alpha / 32 of a colour is its neighbours', which changes at most
// 16 / 255 * (1 - 16 / 32) * 255 = 8 levels.
TEST(WithAlpha, GivesThePictureBack) {
  const cv::Mat picture = Picture();
  const cv::Mat on_white = OnWhite(picture);
  const cv::Mat back = WithAlpha(on_white, Alpha(picture));
  EXPECT_EQ(cv::norm(Alpha(back), Alpha(picture), cv::NORM_INF), 0);
  cv::Mat difference;
  cv::absdiff(OnWhite(back), on_white, difference);
  EXPECT_LE(cv::norm(difference, cv::NORM_INF), 9);
  difference.setTo(0, Alpha(picture) < 32);
  EXPECT_LE(cv::norm(difference, cv::NORM_INF), 1);
  const cv::Rect opaque(0, 0, 8, 8);
  EXPECT_EQ(cv::norm(back(opaque), picture(opaque), cv::NORM_INF), 0);
}

// A red disc, with blue where nobody can see it: neither the blue nor the white
// that stood for it is found in the colours, so a scaled edge stays red.
TEST(WithAlpha, LetsNoColourBleedIntoEdges) {
  cv::Mat disc(40, 40, CV_8UC4, cv::Scalar(0, 0, 255, 0));
  cv::circle(disc, {20, 20}, 11, kRed, cv::FILLED);
  const cv::Mat back = WithAlpha(OnWhite(disc), Alpha(disc));
  cv::Mat colours;
  cv::cvtColor(back, colours, cv::COLOR_RGBA2RGB);
  const cv::Mat red(disc.size(), CV_8UC3, cv::Scalar(200, 30, 10));
  EXPECT_LE(cv::norm(colours, red, cv::NORM_INF), 1);
}

TEST(WithAlpha, TakesWhatCannotBeSeenAtAll) {
  const cv::Mat nothing = cv::Mat::zeros(3, 5, CV_8UC1);
  const cv::Mat back =
      WithAlpha(cv::Mat(3, 5, CV_8UC3, cv::Scalar::all(255)), nothing);
  EXPECT_EQ(cv::norm(Alpha(back), cv::NORM_INF), 0);
}

// By the formula for pictures that are not over white, to two roundings.
TEST(DrawOver, CoversByAlpha) {
  const cv::Mat upper = Picture();
  cv::Mat lower(upper.size(), CV_8UC4);
  cv::RNG(8).fill(lower, cv::RNG::UNIFORM, 0, 256);
  cv::Mat rgb = OnWhite(lower), alpha = Alpha(lower);
  DrawOver(OnWhite(upper), Alpha(upper), &rgb, &alpha);
  for (int y = 0; y < upper.rows; ++y) {
    for (int x = 0; x < upper.cols; ++x) {
      const auto& top = upper.at<cv::Vec4b>(y, x);
      const auto& bottom = lower.at<cv::Vec4b>(y, x);
      const double a = top[3] / 255.0, b = (1 - a) * bottom[3] / 255.0;
      EXPECT_NEAR(alpha.at<uint8_t>(y, x), 255 * (a + b), 0.501);
      for (int c = 0; c < 3; ++c) {
        EXPECT_NEAR(rgb.at<cv::Vec3b>(y, x)[c],
                    a * top[c] + b * bottom[c] + 255 * (1 - a - b), 1.51);
      }
    }
  }
}

}  // namespace
}  // namespace pipelines::media
