#include "pipelines/animation/framing.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opencv2/imgproc.hpp"
#include "third_party/absl/status_matchers.h"

namespace pipelines {
namespace {

using ::absl::StatusCode;
using ::testing::HasSubstr;

TEST(ParseCropMode, TakesNamesAndNamesMistakes) {
  EXPECT_THAT(ParseCropMode("center"), IsOkAndHolds(CropMode::kCentre));
  EXPECT_THAT(ParseCropMode("face"), IsOkAndHolds(CropMode::kFace));
  EXPECT_THAT(ParseCropMode("nose"),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("'nose'")));
}

TEST(CropBox, HasTheAspectAndStaysInside) {
  for (const cv::Size size :
       {cv::Size(1, 1), cv::Size(7, 400), cv::Size(400, 7), cv::Size(64, 64)}) {
    for (const double aspect : {1.0, 1.5, 0.5}) {
      for (const std::optional<cv::Rect>& face :
           {std::optional<cv::Rect>(), std::make_optional<cv::Rect>(0, 0, 1, 1),
            std::make_optional<cv::Rect>(size.width - 1, size.height - 1, 1,
                                         1)}) {
        const cv::Rect box = CropBox(size, CropMode::kFace, aspect, face);
        EXPECT_GT(box.area(), 0);
        EXPECT_EQ(box & cv::Rect({0, 0}, size), box) << box << size;
      }
    }
  }
  EXPECT_EQ(CropBox({300, 200}, CropMode::kCentre, 1),
            cv::Rect(50, 0, 200, 200));
  EXPECT_EQ(CropBox({300, 200}, CropMode::kCentre, 0.5),
            cv::Rect(100, 0, 100, 200));
  EXPECT_EQ(CropBox({300, 200}, CropMode::kNone, 1), cv::Rect(0, 0, 300, 200));
}

TEST(CropBox, IsAboutTheFaceAndGivesWayAtTheBorder) {
  const cv::Rect face(400, 300, 100, 100);
  const cv::Rect box = CropBox({1000, 800}, CropMode::kFace, 1, face);
  EXPECT_EQ(box, cv::Rect(350, 244, 200, 200));
  const cv::Rect corner =
      CropBox({1000, 800}, CropMode::kFace, 1, cv::Rect(0, 0, 100, 100));
  EXPECT_EQ(corner, cv::Rect(0, 0, 200, 200));
}

TEST(FaceFinder, FindsNothingInNoise) {
  auto finder = FaceFinder::Load();
  ASSERT_THAT(finder, IsOk());
  cv::Mat noise(200, 200, CV_8UC3);
  cv::RNG(1).fill(noise, cv::RNG::UNIFORM, 0, 256);
  EXPECT_FALSE((*finder)->Find(noise).has_value());
  EXPECT_FALSE((*finder)->Find(cv::Mat(1, 1, CV_8UC3)).has_value());
}

TEST(Paster, PutsTheCropInAndLeavesTheRest) {
  const cv::Mat picture(60, 80, CV_8UC3, cv::Scalar::all(40));
  const cv::Mat crop(24, 24, CV_8UC3, cv::Scalar::all(200));
  const cv::Rect box(20, 10, 36, 36);
  const cv::Mat pasted = Paster(picture.size(), box).Paste(picture, crop);
  EXPECT_EQ(pasted.at<cv::Vec3b>(28, 38), cv::Vec3b::all(200));  // the middle
  cv::Mat outside = pasted.clone();
  outside(box).setTo(cv::Scalar::all(40));
  EXPECT_EQ(cv::norm(outside, picture, cv::NORM_INF), 0);
  // The seam: a quarter of the step a pixel at most, for a feather of 3.
  for (int x = 15; x < 60; ++x) {
    EXPECT_LE(std::abs(pasted.at<cv::Vec3b>(28, x)[0] -
                       pasted.at<cv::Vec3b>(28, x + 1)[0]),
              160 / 3 + 1)
        << x;
  }
}

TEST(Paster, DoesNotFadeAtThePicturesOwnBorder) {
  const cv::Mat picture(40, 40, CV_8UC3, cv::Scalar::all(0));
  const cv::Mat crop(40, 40, CV_8UC3, cv::Scalar::all(90));
  const cv::Mat pasted =
      Paster(picture.size(), {0, 0, 40, 40}).Paste(picture, crop);
  EXPECT_EQ(cv::norm(pasted, crop, cv::NORM_INF), 0);
}

TEST(Paster, ReturnsThePictureWhenTheCropIsItsOwn) {
  cv::Mat picture(50, 70, CV_8UC3);
  cv::RNG(2).fill(picture, cv::RNG::UNIFORM, 0, 256);
  const cv::Rect box(10, 5, 40, 40);
  const cv::Mat pasted =
      Paster(picture.size(), box).Paste(picture, picture(box));
  EXPECT_EQ(cv::norm(pasted, picture, cv::NORM_INF), 0);
}

}  // namespace
}  // namespace pipelines
