#include "networks/sampling.h"

#include <torch/types.h>

#include "gtest/gtest.h"
#include "networks/testing/fill.h"
#include "networks/testing/tensor_near.h"

namespace networks {
namespace {

using test_util::FillSigned;
using test_util::FillUniform;
using test_util::TensorNear;
using torch::Tensor;

TEST(Sampling, CoordinateGridRunsFromCentreToCentre) {
  const Tensor grid = CoordinateGrid(2, 3, torch::kFloat32);
  EXPECT_THAT(grid.select(2, 0),
              TensorNear(torch::tensor({{-1., 0., 1.}, {-1., 0., 1.}}), 0));
  EXPECT_THAT(grid.select(2, 1),
              TensorNear(torch::tensor({{-1., -1., -1.}, {1., 1., 1.}}), 0));
}

TEST(Sampling, CoordinateGridOfOnePixelIsFinite) {
  EXPECT_THAT(CoordinateGrid(1, 1, torch::kFloat32),
              TensorNear(torch::full({1, 1, 2}, -1.), 0));
}

TEST(Sampling, AffineGridMapsEachPoint) {
  const Tensor matrix = torch::tensor(
      {{0.5, 0.1, 0.2}, {-0.3, 2.0, -0.4}, {0., 0., 1.}}, torch::kFloat32);
  const Tensor grid = AffineGrid(matrix.unsqueeze(0), 4, 5);
  const Tensor points = CoordinateGrid(4, 5, torch::kFloat32);
  for (int y = 0; y < 4; ++y) {
    for (int x = 0; x < 5; ++x) {
      const Tensor homogeneous = torch::cat({points[y][x], torch::ones({1})});
      // A handful of roundings of numbers up to 2.
      EXPECT_THAT(grid[0][y][x],
                  TensorNear(matrix.mv(homogeneous).slice(0, 0, 2), 1e-6));
    }
  }
}

TEST(Sampling, IdentityGridKeepsTheImage) {
  const Tensor image = FillUniform("image", {2, 3, 9, 7});
  const Tensor identity =
      CoordinateGrid(9, 7, torch::kFloat32).expand({2, 9, 7, 2});
  // The coordinates' rounding, 1e-7 of 9 pixels, moves the lookup.
  EXPECT_THAT(Warp(image, identity), TensorNear(image, 2e-6));
}

TEST(Sampling, CoarseAffineGridIsResizedExactly) {
  const Tensor image = FillUniform("image", {1, 3, 32, 48});
  const Tensor matrix = torch::tensor(
      {{{0.9, 0.1, 0.05}, {-0.1, 0.8, 0.1}, {0., 0., 1.}}}, torch::kFloat32);
  // Affine maps survive bilinear resizing; rounding moves the lookup by 1e-6
  // of 48 pixels.
  EXPECT_THAT(Warp(image, AffineGrid(matrix, 8, 12)),
              TensorNear(Warp(image, AffineGrid(matrix, 32, 48)), 1e-4));
}

TEST(Sampling, OneImageServesManyGrids) {
  const Tensor image = FillUniform("image", {1, 3, 16, 16});
  const Tensor grids = FillSigned("grids", {4, 16, 16, 2});
  EXPECT_THAT(Warp(image, grids),
              TensorNear(Warp(image.repeat({4, 1, 1, 1}), grids), 0));
}

TEST(Sampling, WarpByEachIsWarpForEach) {
  const Tensor image = FillUniform("image", {2, 3, 8, 12});
  const Tensor grids = 1.2 * FillSigned("grids", {2, 5, 8, 12, 2});
  const Tensor warped = WarpByEach(image, grids);
  ASSERT_EQ(warped.sizes(), torch::IntArrayRef({2, 5, 3, 8, 12}));
  for (int m = 0; m < 5; ++m) {
    EXPECT_THAT(warped.select(1, m),
                TensorNear(Warp(image, grids.select(1, m)), 0));
  }
}

}  // namespace
}  // namespace networks
