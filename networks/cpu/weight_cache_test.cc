#include "networks/cpu/weight_cache.h"

#include <torch/torch.h>

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

}  // namespace
}  // namespace networks::cpu
