#include "keypoints/heatmap.h"

#include <torch/autograd.h>
#include <torch/types.h>

#include <cmath>

#include "gtest/gtest.h"
#include "networks/testing/fill.h"
#include "networks/testing/golden.h"
#include "networks/testing/tensor_near.h"

namespace keypoints {
namespace {

using networks::test_util::FillSigned;
using networks::test_util::Golden;
using networks::test_util::LoadGolden;
using networks::test_util::TensorNear;
using torch::Tensor;

// Relative: float32 sums in a different order; the original's own float32 and
// float64 runs differ by 1e-6 of a typical element.
constexpr double kTol = 1e-4;

Tensor Gradient(const Tensor& loss, const Tensor& x) {
  return torch::autograd::grad({loss}, {x}, {}, /*retain_graph=*/true)[0];
}

TEST(Heatmaps, AreTheOriginals) {
  const Golden golden =
      LoadGolden("networks/testing/testdata/util_ops.safetensors");
  const Tensor points = golden.tensor("kp2gaussian.kp").requires_grad_();
  const Tensor heatmaps = GaussianHeatmaps(points, 20, 28);
  EXPECT_TRUE(golden.Matches("kp2gaussian.out", heatmaps, kTol));
  const Tensor loss = (heatmaps * FillSigned("cot/gk", heatmaps.sizes())).sum();
  EXPECT_TRUE(
      golden.Matches("kp2gaussian.grad_kp", Gradient(loss, points), kTol));
}

TEST(Heatmaps, AreOneAtTheKeypoint) {
  // Pixel (2, 1) of 5 x 3: x = 0, y = 0.
  const Tensor heatmap = GaussianHeatmaps(torch::zeros({1, 1, 2}), 3, 5);
  EXPECT_EQ(heatmap[0][0][1][2].item<float>(), 1);
  // Pixel (3, 1): x = 0.5, so exp(-0.25 / 0.02).
  EXPECT_NEAR(heatmap[0][0][1][3].item<float>(), std::exp(-12.5), 1e-10);
}

TEST(Heatmaps, DifferenceHasAZeroChannelInFront) {
  const Tensor driving = FillSigned("driving", {2, 3, 2});
  const Tensor source = FillSigned("source", {1, 3, 2});
  const Tensor difference = HeatmapDifference(driving, source, 6, 8);
  ASSERT_EQ(difference.sizes(), torch::IntArrayRef({2, 4, 6, 8}));
  EXPECT_EQ(difference.select(1, 0).abs().max().item<float>(), 0);
  EXPECT_THAT(
      difference.slice(1, 1),
      TensorNear(
          GaussianHeatmaps(driving, 6, 8) - GaussianHeatmaps(source, 6, 8), 0));
}

}  // namespace
}  // namespace keypoints
