#include "pipelines/report/visualize.h"

#include <torch/types.h>
#include <torch/utils.h>

#include <limits>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/sampling.h"
#include "opencv2/imgcodecs.hpp"
#include "third_party/absl/status_matchers.h"

namespace pipelines {
namespace {

using ::testing::HasSubstr;

torch::Tensor Identity(int64_t h, int64_t w) {
  return networks::CoordinateGrid(h, w, torch::kFloat32);
}

// source_from_driving of a scene that moves by (x, y) from source to driving.
torch::Tensor Shift(double x, double y) {
  // Nothing is rounded at the centre of an odd number of pixels.
  return Identity(9, 9) - torch::tensor({x, y}, torch::kFloat32);
}

TEST(FlowToColor, HasMiddleburysColours) {
  const auto color = [](double x, double y) {
    return FlowToColor(Shift(x, y), 0.5).at<cv::Vec3b>(4, 4);
  };
  EXPECT_EQ(color(0, 0), cv::Vec3b(255, 255, 255));
  EXPECT_EQ(color(0.5, 0), cv::Vec3b(255, 0, 0));
  // Half a turn is step 27.5 of 55: 2.5 of 11 from cyan to blue.
  const cv::Vec3b left = color(-0.5, 0);
  EXPECT_NEAR(left[0], 0, 1);
  EXPECT_NEAR(left[1], 255 * (1 - 2.5 / 11), 1);
  EXPECT_NEAR(left[2], 255, 1);
  // A quarter down is step 13.75: 13.75 of 15 from red to yellow.
  const cv::Vec3b down = color(0, 0.5);
  EXPECT_NEAR(down[1], 255 * 13.75 / 15, 1);
  EXPECT_NEAR(down[0], 255, 1);
  // Half as long is half as full; longer than the greatest is darkened.
  EXPECT_NEAR(color(0.25, 0)[1], 127.5, 1);
  EXPECT_NEAR(color(0.8, 0)[0], 0.75 * 255, 1);
}

TEST(FlowToColor, MeasuresLengthsInPixelsOnWidePictures) {
  torch::Tensor wide = Identity(5, 9);
  // One pixel down and one pixel right are equally long.
  EXPECT_NEAR(MaxMotion(wide + torch::tensor({0.0f, 0.5f})), 0.25, 1e-6);
  EXPECT_NEAR(MaxMotion(wide + torch::tensor({0.25f, 0.0f})), 0.25, 1e-6);
}

TEST(FlowWheel, AgreesWithFlowToColor) {
  const cv::Mat wheel = FlowWheel(41);
  EXPECT_EQ(wheel.at<cv::Vec3b>(20, 40), cv::Vec3b(255, 0, 0));
  EXPECT_EQ(wheel.at<cv::Vec3b>(20, 20), cv::Vec3b(255, 255, 255));
  EXPECT_EQ(wheel.at<cv::Vec3b>(0, 0), cv::Vec3b(255, 255, 255));
}

TEST(DrawKeypoints, MarksThePixelOfEachKeypointInItsSetsColour) {
  cv::Mat picture(65, 129, CV_8UC3, cv::Scalar::all(0));
  DrawKeypoints(torch::tensor({{-0.5, 0.5}, {0.5, -0.5}}), 1, picture);
  const auto expect_color = [&](int row, int column, int set) {
    const cv::Scalar color = ColorOfSet(set);
    const auto& pixel = picture.at<cv::Vec3b>(row, column);
    for (int c = 0; c < 3; ++c) EXPECT_NEAR(pixel[c], color[c], 1);
  };
  expect_color(48, 32, 0);
  expect_color(16, 96, 1);
  EXPECT_EQ(picture.at<cv::Vec3b>(32, 64), cv::Vec3b(0, 0, 0));
}

bool IsLit(const cv::Mat& picture, int row, int column) {
  return picture.at<cv::Vec3b>(row, column) != cv::Vec3b(0, 0, 0);
}

// Two sets of two points on a row each, and one point that is a set of its own.
TEST(DrawKeypoints, JoinsThePointsOfASetAndNoOthers) {
  cv::Mat picture(129, 129, CV_8UC3, cv::Scalar::all(0));
  DrawKeypoints(
      torch::tensor(
          {{-0.5, -0.5}, {0.5, -0.5}, {-0.5, 0.0}, {0.5, 0.0}, {0.0, 0.5}}),
      2, picture);
  for (const int row : {32, 64}) {
    for (int column = 32; column <= 96; ++column) {
      EXPECT_TRUE(IsLit(picture, row, column)) << row << " " << column;
    }
  }
  const auto distance = [&](int row, int set) {
    return cv::norm(cv::Scalar(picture.at<cv::Vec3b>(row, 50)) -
                    ColorOfSet(set));
  };
  EXPECT_LT(distance(32, 0), distance(32, 1));
  EXPECT_LT(distance(64, 1), distance(64, 0));
  for (const int column : {32, 64, 96}) {
    EXPECT_FALSE(IsLit(picture, 48, column));
    EXPECT_FALSE(IsLit(picture, 80, column));
  }
  const cv::Scalar third = ColorOfSet(2);
  for (int c = 0; c < 3; ++c) {
    EXPECT_NEAR(picture.at<cv::Vec3b>(96, 64)[c], third[c], 1);
  }
}

TEST(ColorOfSet, IsAnotherForEachSet) {
  for (int a = 0; a < 20; ++a) {
    const cv::Scalar color = ColorOfSet(a);
    for (int c = 0; c < 3; ++c) {
      EXPECT_GE(color[c], 60);
      EXPECT_LE(color[c], 255);
    }
    for (int b = 0; b < a; ++b) EXPECT_GT(cv::norm(color - ColorOfSet(b)), 10);
  }
}

// As of a model's coarse motion: evenly, also beside the border.
TEST(DrawDeformedGrid, SpacesTheLinesOfACoarseFieldEvenly) {
  cv::Mat picture(121, 121, CV_8UC3, cv::Scalar::all(0));
  DrawDeformedGrid(Identity(16, 16), 12, picture);
  for (int line = 1; line < 12; ++line) {
    // Before pixel 10 * line, or at it where rounding makes it so.
    EXPECT_TRUE(IsLit(picture, 5, 10 * line - 1) ||
                IsLit(picture, 5, 10 * line))
        << line;
  }
}

TEST(DrawDeformedGrid, ShowsEvenlySpacedLinesWithoutMotion) {
  cv::Mat picture(41, 41, CV_8UC3, cv::Scalar::all(0));
  DrawDeformedGrid(Identity(41, 41), 4, picture);
  int lines = 0;
  for (int column = 0; column < 40; ++column) {
    lines += picture.at<cv::Vec3b>(5, column) != cv::Vec3b(0, 0, 0);
  }
  EXPECT_EQ(lines, 4);  // three inside and the far border's
  EXPECT_NE(picture.at<cv::Vec3b>(5, 9), cv::Vec3b(0, 0, 0));
}

// What moves to the right and down from source to driving carries its lines
// along: those of x in yellow, those of y in cyan.
TEST(DrawDeformedGrid, MovesTheLinesAsTheSceneMoves) {
  const cv::Vec3b of_x(255, 230, 60), of_y(60, 230, 255);
  cv::Mat picture(41, 41, CV_8UC3, cv::Scalar::all(0));
  // By 4.4 and 2.4 of 40 pixels; lines of the source are 10 pixels apart.
  DrawDeformedGrid(Identity(41, 41) - torch::tensor({0.22f, 0.12f}), 4,
                   picture);
  for (int row = 13; row < 22; ++row) {
    for (int column = 0; column < 40; ++column) {
      EXPECT_EQ(picture.at<cv::Vec3b>(row, column) == of_x, column % 10 == 4)
          << row << " " << column;
    }
  }
  for (int column = 15; column < 24; ++column) {
    for (int row = 0; row < 40; ++row) {
      EXPECT_EQ(picture.at<cv::Vec3b>(row, column) == of_y, row % 10 == 2)
          << row << " " << column;
    }
  }
}

TEST(ColorizeMap, StretchesFromLowToHigh) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const auto color = [&](float value) {
    return ColorizeMap(torch::full({1, 1}, value), -1, 3).at<cv::Vec3b>(0, 0);
  };
  const cv::Vec3b dark(68, 1, 84), bright(253, 231, 37);
  EXPECT_EQ(color(-1), dark);
  EXPECT_EQ(color(3), bright);
  EXPECT_EQ(color(-9), dark);
  EXPECT_EQ(color(9), bright);
  EXPECT_EQ(color(nan), color(0));
  EXPECT_EQ(color(1), ColorizeMap(torch::full({1, 1}, 0.5f)).at<cv::Vec3b>(0));
}

TEST(ColorizeMap, GoesFromDarkToBright) {
  const cv::Mat picture =
      ColorizeMap(torch::tensor({0.0f, 0.5f, 1.0f}).view({1, 3}));
  // Viridis: purple, teal, yellow.
  EXPECT_EQ(picture.at<cv::Vec3b>(0, 0), cv::Vec3b(68, 1, 84));
  EXPECT_EQ(picture.at<cv::Vec3b>(0, 2), cv::Vec3b(253, 231, 37));
  const auto& middle = picture.at<cv::Vec3b>(0, 1);
  EXPECT_GT(middle[1], middle[0]);
}

TEST(ContributionPicture, MixesTheColoursOfTheMaps) {
  torch::Tensor maps = torch::zeros({4, 1, 3});
  maps[0][0][0] = 1;
  maps[2][0][1] = 1;
  maps[3][0][2] = 1;
  const cv::Mat picture = ContributionPicture(maps, 2);
  EXPECT_EQ(picture.at<cv::Vec3b>(0, 0), cv::Vec3b(95, 95, 95));
  for (int c = 0; c < 3; ++c) {
    EXPECT_NEAR(picture.at<cv::Vec3b>(0, 1)[c], ColorOfSet(1)[c], 1);
  }
  EXPECT_EQ(picture.at<cv::Vec3b>(0, 2), cv::Vec3b(255, 255, 255));
}

TEST(ContributionPicture, WeighsTheColours) {
  const torch::Tensor maps =
      torch::tensor({0.5f, 0.25f, 0.25f}).view({3, 1, 1});
  const cv::Mat picture = ContributionPicture(maps, 1);
  for (int c = 0; c < 3; ++c) {
    EXPECT_NEAR(picture.at<cv::Vec3b>(0, 0)[c],
                0.5 * 95 + 0.25 * ColorOfSet(0)[c] + 0.25 * 255, 1);
  }
}

StripInput FullInput(int64_t batch, int64_t h, int64_t w) {
  torch::manual_seed(3);
  StripInput input;
  input.source = torch::rand({batch, 3, h, w});
  input.driving = torch::rand({batch, 3, h, w});
  input.source_keypoints = torch::rand({batch, 10, 2}) * 2 - 1;
  input.driving_keypoints = torch::rand({batch, 10, 2}) * 2 - 1;
  input.deformed_source = torch::rand({batch, 3, h / 4, w / 4});
  input.prediction = torch::rand({batch, 3, h, w});
  input.source_from_driving =
      Identity(h / 4, w / 4).expand({batch, -1, -1, -1});
  input.occlusion_maps = {torch::rand({batch, 1, h / 8, w / 8}),
                          torch::rand({batch, 1, h, w})};
  input.contribution_maps = torch::rand({batch, 4, h / 4, w / 4}).softmax(1);
  return input;
}

TEST(DrawStrip, HasOneRowASampleAndOneColumnAPicture) {
  StripOptions options;
  options.tile = 64;
  const cv::Mat strip = DrawStrip(FullInput(2, 32, 48), options);
  // source, driving, warped, prediction, motion, grid, 2 occlusion maps, parts
  // and 4 contribution maps: 13 columns of tiles 64 x 43, 3 pixels apart.
  EXPECT_EQ(strip.cols, 13 * 67 - 3);
  EXPECT_EQ(strip.rows, 20 + 2 * (43 + 3));
}

torch::Tensor Plain(int64_t batch, float r, float g, float b) {
  return torch::tensor({r, g, b}).view({1, 3, 1, 1}).expand({batch, 3, 16, 16});
}

// The middle of a tile of 32 pixels.
cv::Vec3b TileColor(const cv::Mat& strip, int row, int column) {
  return strip.at<cv::Vec3b>(20 + 35 * row + 16, 35 * column + 16);
}

TEST(DrawStrip, PutsEachPictureInItsColumn) {
  StripInput input;
  input.source = Plain(2, 1, 0, 0).clone();
  input.source[1] = 0;
  input.driving = Plain(2, 0, 1, 0);
  input.deformed_source = Plain(2, 0, 0, 1);
  input.prediction = Plain(2, 0, 0.4f, 0);
  input.source_from_driving = Identity(16, 16).expand({2, -1, -1, -1});
  input.occlusion_maps = {torch::zeros({2, 1, 4, 4}),
                          torch::ones({2, 1, 8, 8})};
  input.contribution_maps =
      torch::tensor({0.0f, 1.0f, 0.0f}).view({1, 3, 1, 1}).expand({2, 3, 4, 4});
  input.source_keypoints = input.driving_keypoints =
      torch::full({2, 1, 2}, -0.9f);  // away from the middle
  StripOptions options;
  options.tile = 32;
  options.keypoints_per_transform = 1;
  options.error = true;
  const cv::Mat strip = DrawStrip(input, options);
  const cv::Vec3b dark(68, 1, 84), bright(253, 231, 37);
  EXPECT_EQ(TileColor(strip, 0, 0), cv::Vec3b(255, 0, 0));
  EXPECT_EQ(TileColor(strip, 1, 0), cv::Vec3b(0, 0, 0));
  for (int row = 0; row < 2; ++row) {
    EXPECT_EQ(TileColor(strip, row, 1), cv::Vec3b(0, 255, 0));
    EXPECT_EQ(TileColor(strip, row, 2), cv::Vec3b(0, 0, 255));
    EXPECT_EQ(TileColor(strip, row, 3), cv::Vec3b(0, 102, 0));
    // The mean of 0, 0.6 and 0, of which 0.5 is the brightest.
    EXPECT_EQ(TileColor(strip, row, 4),
              ColorizeMap(torch::full({1, 1}, 0.4f)).at<cv::Vec3b>(0));
    EXPECT_EQ(TileColor(strip, row, 5), cv::Vec3b(255, 255, 255));
    EXPECT_EQ(TileColor(strip, row, 7), dark);
    EXPECT_EQ(TileColor(strip, row, 8), bright);
    for (int c = 0; c < 3; ++c) {
      EXPECT_NEAR(TileColor(strip, row, 9)[c], ColorOfSet(0)[c], 1);
    }
    EXPECT_EQ(TileColor(strip, row, 10), dark);
    EXPECT_EQ(TileColor(strip, row, 11), bright);
    EXPECT_EQ(TileColor(strip, row, 12), dark);
  }
  // Keypoints are drawn on source and driving only.
  const auto corner = [&](int column) {
    return strip.at<cv::Vec3b>(20 + 2, 35 * column + 2);
  };
  for (int c = 0; c < 3; ++c) {
    EXPECT_NEAR(corner(0)[c], ColorOfSet(0)[c], 2);
    EXPECT_NEAR(corner(1)[c], ColorOfSet(0)[c], 2);
  }
  EXPECT_EQ(corner(3), cv::Vec3b(0, 102, 0));
}

TEST(DrawColumns, LabelsEachColumnAndLeavesMissingTilesWhite) {
  const cv::Mat black(10, 10, CV_8UC3, cv::Scalar::all(0));
  const cv::Mat grid =
      DrawColumns({{"one", {black, black}}, {"", {black}}}, {24, 16});
  EXPECT_EQ(grid.size(), cv::Size(2 * 27 - 3, 20 + 2 * 19));
  const auto is_white = [&](cv::Rect place) {
    return cv::countNonZero(grid(place).reshape(1) != 255) == 0;
  };
  EXPECT_FALSE(is_white({0, 0, 24, 20}));
  EXPECT_TRUE(is_white({24, 0, 27, 20}));
  EXPECT_FALSE(is_white({27, 20, 24, 16}));
  EXPECT_TRUE(is_white({24, 20, 3, 38}));  // between the columns
  EXPECT_TRUE(is_white({0, 36, 51, 3}));   // between the rows
  EXPECT_FALSE(is_white({0, 39, 24, 16}));
  EXPECT_TRUE(is_white({27, 39, 24, 16}));
  EXPECT_EQ(DrawColumns({}, {24, 16}).size(), cv::Size(1, 20));
}

TEST(DrawStrip, LeavesOutWhatIsNotThereAndRowsBeyondTheLimit) {
  StripInput input;
  input.source = torch::rand({5, 3, 16, 16});
  StripOptions options;
  options.tile = 32;
  options.max_rows = 3;
  EXPECT_EQ(DrawStrip(input, options).size(), cv::Size(32, 20 + 3 * 35));
}

TEST(DrawStrip, TakesHalfPrecisionAndGradients) {
  StripInput input = FullInput(1, 32, 32);
  input.prediction = input.prediction.to(torch::kBFloat16);
  input.source_from_driving =
      input.source_from_driving.clone().requires_grad_();
  EXPECT_FALSE(DrawStrip(input).empty());
}

TEST(SavePicture, WritesRgb) {
  const std::string path = ::testing::TempDir() + "/picture.png";
  cv::Mat picture(2, 3, CV_8UC3, cv::Scalar(255, 0, 0));
  ASSERT_THAT(SavePicture(path, picture), IsOk());
  EXPECT_EQ(cv::imread(path).at<cv::Vec3b>(1, 1), cv::Vec3b(0, 0, 255));
  EXPECT_THAT(
      SavePicture("/no/such/folder/a.png", picture),
      StatusIs(absl::StatusCode::kNotFound, HasSubstr("/no/such/folder")));
}

}  // namespace
}  // namespace pipelines
