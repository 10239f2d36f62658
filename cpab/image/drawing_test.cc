#include "cpab/image/drawing.h"

#include "cpab/testing/draws.h"
#include "gtest/gtest.h"
#include "opencv2/core.hpp"

namespace cpab {
namespace {

const cv::Scalar kBlack(0, 0, 0);

bool IsWhite(const cv::Mat& image, int x, int y) {
  return image.at<cv::Vec3b>(y, x) == cv::Vec3b(255, 255, 255);
}

TEST(Canvas, TessellationLinesAreWhereTheEdgesAre) {
  const Tessellation tessellation = Tessellation::Create({2, 2}).value();
  Canvas canvas(101, /*margin=*/0);
  canvas.DrawTessellation(tessellation, kBlack);
  EXPECT_FALSE(IsWhite(canvas.image(), 50, 20));  // x = 0.5
  EXPECT_FALSE(IsWhite(canvas.image(), 20, 20));  // A diagonal.
  EXPECT_TRUE(IsWhite(canvas.image(), 12, 25));   // In the left cell.
}

TEST(Canvas, GridsMoveWithTheFlow) {
  const auto basis = Basis::Create({1, 1}).value();
  const Flow right(
      basis, basis->ThetaFromVertices(Eigen::Vector2d(0.1, 0).replicate(1, 5)));
  Canvas canvas(101, /*margin=*/0);
  canvas.DrawDeformedGrid(right, 2, kBlack);
  EXPECT_FALSE(IsWhite(canvas.image(), 60, 30));
  EXPECT_TRUE(IsWhite(canvas.image(), 50, 30));
}

TEST(Canvas, ArrowsPointWhereTheVelocityDoes) {
  const auto basis = Basis::Create({1, 1}).value();
  const VelocityField down(
      basis, basis->ThetaFromVertices(Eigen::Vector2d(0, 3).replicate(1, 5)));
  Canvas canvas(101, /*margin=*/0);
  canvas.DrawVelocityField(down, 2, kBlack);  // The longest arrow: half a side.
  EXPECT_FALSE(IsWhite(canvas.image(), 25, 60));
  EXPECT_TRUE(IsWhite(canvas.image(), 25, 15));
  EXPECT_TRUE(IsWhite(canvas.image(), 50, 50));
}

TEST(Canvas, FieldsThatAreNotFiniteDrawNothingThatCrashes) {
  const auto basis = Basis::Create({2, 2}).value();
  const Flow absurd(basis, test_util::DrawTheta(*basis, 1e200, 1));
  Canvas canvas(64);
  canvas.DrawDeformedGrid(absurd, 3, kBlack);
  canvas.DrawVelocityField(absurd.field(), 3, kBlack);
  EXPECT_EQ(canvas.image().rows, 64);
}

}  // namespace
}  // namespace cpab
