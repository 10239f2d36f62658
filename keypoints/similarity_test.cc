#include "keypoints/similarity.h"

#include <torch/types.h>
#include <torch/utils.h>

#include <cmath>
#include <cstdint>

#include "gtest/gtest.h"

namespace keypoints {
namespace {

using torch::Tensor;

Tensor Points(int64_t batch, int64_t seed) {
  torch::manual_seed(seed);
  return torch::rand({batch, 10, 2}) * 1.6 - 0.8;
}

Tensor Turned(const Tensor& points, double angle) {
  const double c = std::cos(angle), s = std::sin(angle);
  return torch::matmul(points, torch::tensor({{c, s}, {-s, c}}).to(points));
}

TEST(NormalisedDistances, DoNotSeePlaceAndSize) {
  const Tensor source = Points(1, 1);
  const Tensor driving = torch::cat({Points(1, 2), source * 0.3 + 0.2});
  const Tensor distances = NormalisedDistances(source, driving);
  EXPECT_GT(distances[0].item<double>(), 0.1);
  EXPECT_NEAR(distances[1].item<double>(), 0, 1e-9);
}

// The definition of the field's demo, written out for a square and a rectangle.
TEST(NormalisedDistances, DividesByTheRootOfTheHullsArea) {
  const Tensor square = torch::tensor(
      {{{-1., -1.}, {1., -1.}, {1., 1.}, {-1., 1.}}}, torch::kFloat64);
  const Tensor wide = square * torch::tensor({4., 1.}, torch::kFloat64);
  // Hull areas 4 and 16: corners at (.5, .5) and (1, .25).
  EXPECT_NEAR(NormalisedDistances(square, wide)[0].item<double>(),
              4 * (0.5 * 0.5 + 0.25 * 0.25), 1e-9);
}

TEST(AlignedDistances, DoNotSeeTurnsEither) {
  const Tensor source = Points(1, 1);
  const Tensor driving =
      torch::cat({Points(1, 2), Turned(source, 1.1) * 0.3 + 0.2});
  const Tensor distances = AlignedDistances(source, driving);
  EXPECT_GT(distances[0].item<double>(), 0.1);
  EXPECT_NEAR(distances[1].item<double>(), 0, 1e-9);
  EXPECT_GT(NormalisedDistances(source, driving)[1].item<double>(), 0.1);
}

TEST(AlignedDistances, StandKeypointsInOnePlace) {
  const Tensor distances =
      AlignedDistances(Points(1, 1), torch::zeros({2, 10, 2}));
  EXPECT_TRUE(torch::isfinite(distances).all().item<bool>());
}

}  // namespace
}  // namespace keypoints
