#include "pipelines/animation/framing.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opencv2/core.hpp"
#include "pipelines/animation/drawn_face.h"
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

TEST(FaceFinder, FindsFacesFromLeftToRight) {
  auto finder = FaceFinder::Load();
  ASSERT_THAT(finder, IsOk());
  cv::Mat picture(300, 700, CV_8UC3, cv::Scalar::all(140));
  DrawFace({560, 160}, 220, picture);
  DrawFace({130, 150}, 140, picture);
  DrawFace({340, 140}, 180, picture);
  const std::vector<cv::Rect> faces = (*finder)->Find(picture);
  ASSERT_EQ(faces.size(), 3);
  const double middles[] = {130, 340, 560};
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_NEAR(faces[i].x + faces[i].width / 2.0, middles[i], 20) << i;
    EXPECT_GT(faces[i].width, 90) << i;
  }
}

TEST(FaceFinder, FindsNothingInNoise) {
  auto finder = FaceFinder::Load();
  ASSERT_THAT(finder, IsOk());
  cv::Mat noise(200, 200, CV_8UC3);
  cv::RNG(1).fill(noise, cv::RNG::UNIFORM, 0, 256);
  EXPECT_TRUE((*finder)->Find(noise).empty());
  EXPECT_TRUE((*finder)->Find(cv::Mat(1, 1, CV_8UC3)).empty());
}

}  // namespace
}  // namespace pipelines
