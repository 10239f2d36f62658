#include "losses/feature_warp.h"

#include <torch/types.h>

#include "gtest/gtest.h"
#include "networks/testing/fill.h"

namespace losses {
namespace {

using networks::test_util::FillSigned;
using torch::Tensor;

TEST(WarpLoss, SumsTheMeansOverLevels) {
  const Tensor large = FillSigned("large", {2, 4, 8, 8});
  const Tensor small = FillSigned("small", {2, 8, 4, 4});
  EXPECT_EQ(WarpLoss({large, small}, {small, large}).item<float>(), 0);
  // Means of constants: exact but for the rounding of large + 2.
  EXPECT_NEAR(WarpLoss({large, small}, {small + 1, large + 2}).item<float>(), 3,
              1e-6);
  EXPECT_THROW(WarpLoss({large}, {small, large}), c10::Error);
}

}  // namespace
}  // namespace losses
