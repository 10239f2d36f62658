#include "pipelines/explanation/field_lines.h"

#include <torch/types.h>

#include <cmath>
#include <limits>

#include "gtest/gtest.h"
#include "networks/sampling.h"

namespace pipelines {
namespace {

// The closed form of every border of nx x ny rectangles of four triangles: the
// rectangles' sides, and four from each centre.
int NumBorders(int nx, int ny) {
  return nx * (ny + 1) + ny * (nx + 1) + 4 * nx * ny;
}

TEST(CellBorders, AreThoseOfTheTessellationEachOnce) {
  MotionConfig motion;
  motion.mutable_cpab()->set_cells_x(3);
  motion.mutable_cpab()->set_cells_y(2);
  const std::vector<Polyline> borders = CellBorders(motion);
  ASSERT_EQ(static_cast<int>(borders.size()), NumBorders(3, 2));
  double length = 0;
  for (const Polyline& border : borders) {
    length += cv::norm(border.back() - border.front());
  }
  const double diagonal = std::hypot(2.0 / 3, 1);
  EXPECT_NEAR(length, 3 * 2 + 4 * 2 + 6 * 2 * diagonal, 1e-9);
}

TEST(CellBorders, AreThoseOfCpabWhereNothingIsChosen) {
  EXPECT_FALSE(CellBorders(MotionConfig()).empty());
}

TEST(CellBorders, AreNoneOfOtherMotionModels) {
  MotionConfig motion;
  motion.mutable_affine();
  EXPECT_TRUE(CellBorders(motion).empty());
  motion.mutable_bspline();
  EXPECT_TRUE(CellBorders(motion).empty());
}

TEST(MoveLines, StayUnderTheIdentity) {
  const std::vector<Polyline> lines = GridLines(3);
  ASSERT_EQ(lines.size(), 8u);
  const std::vector<Polyline> moved =
      MoveLines(networks::CoordinateGrid(5, 9, torch::kFloat32), lines);
  for (size_t i = 0; i < lines.size(); ++i) {
    ASSERT_EQ(moved[i].size(), lines[i].size());
    for (size_t k = 0; k < lines[i].size(); ++k) {
      // float32 of coordinates of 1, and a bilinear sum of four.
      EXPECT_LT(cv::norm(moved[i][k] - lines[i][k]), 1e-6);
    }
  }
}

TEST(MoveLines, FollowAnAffineFieldExactly) {
  const torch::Tensor grid = networks::CoordinateGrid(4, 4, torch::kFloat32);
  const torch::Tensor turned =
      torch::stack({0.5 * grid.select(2, 1) + 0.1, -grid.select(2, 0)}, 2);
  const std::vector<Polyline> moved = MoveLines(turned, {{{0.25, -0.5}}});
  EXPECT_NEAR(moved[0][0].x, 0.5 * -0.5 + 0.1, 1e-6);
  EXPECT_NEAR(moved[0][0].y, -0.25, 1e-6);
}

TEST(DrawLines, MixesAndStaysInside) {
  cv::Mat picture(21, 21, CV_8UC3, cv::Scalar::all(100));
  const double far = 1e30, nan = std::numeric_limits<double>::quiet_NaN();
  DrawLines({{{-1, 0}, {1, 0}}, {{far, nan}, {-far, far}}},
            cv::Scalar::all(200), 0.5, picture);
  // OpenCV's smooth lines are a little short of their colour.
  EXPECT_NEAR(picture.at<cv::Vec3b>(10, 10)[0], 150, 5);
  EXPECT_EQ(picture.at<cv::Vec3b>(4, 10), cv::Vec3b::all(100));
}

}  // namespace
}  // namespace pipelines
