#include "networks/cpu/weight_cache.h"

#include <torch/types.h>
#include <torch/utils.h>

#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/cpu/convolution_cases.h"
#include "networks/cpu/kernels.h"
#include "networks/cpu/winograd.h"
#include "networks/testing/fill.h"
#include "networks/testing/tensor_near.h"

namespace networks::cpu {
namespace {

using test_util::FillSigned;
using test_util::TensorNear;
using torch::Tensor;

// Winograd's transforms multiply by up to 8 and add again what they took apart,
// so its rounding errors are some ten times those of the direct convolution,
// whose sums of about 1 have 1e-7 times the root of the number of terms. Worst
// seen over these cases: 5e-6.
constexpr double kWinogradTol = 3e-5;

class WeightCacheTest : public AnyKernelsTest {};

TEST_F(WeightCacheTest, FollowsItsParameter) {
  torch::NoGradGuard no_grad;
  Tensor weight = WeightOfUnitOutputs(8, 8);
  const Tensor image = FillSigned("image", {1, 8, 8, 8});
  const Tensor bias = torch::zeros({8});
  WeightCache<Winograd> cache;
  const auto first = cache.Get(weight);
  EXPECT_EQ(cache.Get(weight), first);
  weight.mul_(2);
  EXPECT_THAT(cache.Get(weight)->Apply({image}, bias),
              TensorNear(2 * first->Apply({image}, bias), kWinogradTol));
}

// As an allocator gives the memory of a weight that is no more to the next one.
TEST_F(WeightCacheTest, TellsAnotherWeightAtTheSameAddress) {
  torch::NoGradGuard no_grad;
  const Tensor image = FillSigned("image", {1, 8, 8, 8});
  const Tensor bias = torch::zeros({8});
  std::vector<float> memory(8 * 8 * 9, 0.1f);
  WeightCache<Winograd> cache;
  cache.Get(torch::from_blob(memory.data(), {8, 8, 3, 3}));
  memory.assign(memory.size(), 0.2f);
  const Tensor second = torch::from_blob(memory.data(), {8, 8, 3, 3});
  EXPECT_THAT(
      cache.Get(second)->Apply({image}, bias),
      TensorNear(torch::conv2d(image, second, bias, 1, 1), kWinogradTol));
}

// Inputs and outputs exchanged: the same memory in another order.
TEST_F(WeightCacheTest, TellsAnotherViewOfTheSameWeight) {
  torch::NoGradGuard no_grad;
  const Tensor image = FillSigned("image", {1, 8, 8, 8});
  const Tensor bias = torch::zeros({8});
  const Tensor weight = WeightOfUnitOutputs(8, 8);
  WeightCache<Winograd> cache;
  cache.Get(weight);
  EXPECT_THAT(
      cache.Get(weight.transpose(0, 1))->Apply({image}, bias),
      TensorNear(torch::conv2d(image, weight.transpose(0, 1), bias, 1, 1),
                 kWinogradTol));
}

}  // namespace
}  // namespace networks::cpu
