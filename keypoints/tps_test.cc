#include "keypoints/tps.h"

#include <ATen/CPUGeneratorImpl.h>
#include <torch/autograd.h>
#include <torch/types.h>
#include <torch/utils.h>

#include "gtest/gtest.h"
#include "networks/testing/bfloat16_autocast.h"
#include "networks/testing/fill.h"
#include "networks/testing/golden.h"
#include "networks/testing/tensor_near.h"

namespace keypoints {
namespace {

using networks::test_util::FillSigned;
using networks::test_util::FillUniform;
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

TEST(RandomTps, WarpsAsTheOriginal) {
  const Golden golden =
      LoadGolden("networks/testing/testdata/util_ops.safetensors");
  const RandomTps tps(golden.tensor("tps.theta"),
                      golden.tensor("tps.control_params").flatten(1));
  const Tensor points = golden.tensor("tps.coords").requires_grad_();
  const Tensor warped = tps.WarpCoordinates(points);
  EXPECT_TRUE(golden.Matches("tps.warped", warped, kTol));
  const Tensor loss = (warped * FillSigned("cot/tps", warped.sizes())).sum();
  EXPECT_TRUE(golden.Matches("tps.grad_coords", Gradient(loss, points), kTol));
  EXPECT_TRUE(golden.Matches("tps.frame_grid", tps.Grid(24, 36), kTol));
  EXPECT_TRUE(golden.Matches(
      "tps.frame_out",
      tps.TransformFrame(FillUniform("input/tpsim", {2, 3, 24, 36})), kTol));
}

TEST(RandomTps, WithoutNoiseIsTheIdentity) {
  RandomTpsOptions options;
  options.sigma_affine = 0;
  options.sigma_tps = 0;
  const RandomTps tps = RandomTps::Sample(
      2, options, at::detail::createCPUGenerator(/*seed_val=*/1));
  const Tensor points = FillSigned("points", {2, 7, 2});
  EXPECT_THAT(tps.WarpCoordinates(points), TensorNear(points, 0));
}

// Else the warped frame and the warped keypoints would be of two warps.
TEST(RandomTps, HasAllDigitsUnderAutocast) {
  const RandomTps tps = RandomTps::Sample(
      2, RandomTpsOptions(), at::detail::createCPUGenerator(/*seed_val=*/1));
  const Tensor points = FillSigned("points", {2, 7, 2});
  const Tensor warped = tps.WarpCoordinates(points);
  const Tensor grid = tps.Grid(6, 5);
  const networks::test_util::BFloat16Autocast autocast;
  EXPECT_TRUE(torch::equal(tps.WarpCoordinates(points), warped));
  EXPECT_TRUE(torch::equal(tps.Grid(6, 5), grid));
}

TEST(RandomTps, DependsOnTheSeedOnly) {
  const auto grid = [](uint64_t seed) {
    return RandomTps::Sample(2, RandomTpsOptions(),
                             at::detail::createCPUGenerator(seed))
        .Grid(6, 5);
  };
  torch::manual_seed(1);
  const Tensor first = grid(7);
  torch::manual_seed(2);
  EXPECT_THAT(grid(7), TensorNear(first, 0));
  EXPECT_GT((grid(8) - first).abs().max().item<double>(), 1e-3);
}

TEST(RandomTps, NoiseHasTheDeviationsAskedFor) {
  RandomTpsOptions options;
  options.sigma_affine = 0.5;
  options.sigma_tps = 0;
  const RandomTps tps = RandomTps::Sample(
      4000, options, at::detail::createCPUGenerator(/*seed_val=*/3));
  // At the origin an affine map gives its offset: 8000 normal draws, whose
  // deviation is known to 0.8 %.
  const Tensor offset = tps.WarpCoordinates(torch::zeros({1, 1, 2}));
  EXPECT_NEAR(offset.std().item<double>(), 0.5, 0.02);
  EXPECT_NEAR(offset.mean().item<double>(), 0, 0.03);
}

}  // namespace
}  // namespace keypoints
