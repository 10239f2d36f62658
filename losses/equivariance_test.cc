#include "losses/equivariance.h"

#include <ATen/CPUGeneratorImpl.h>
#include <torch/types.h>

#include "gtest/gtest.h"
#include "keypoints/tps.h"
#include "networks/testing/fill.h"

namespace losses {
namespace {

using networks::test_util::FillSigned;
using torch::Tensor;

TEST(EquivarianceLoss, IsZeroForKeypointsThatMoveWithThePicture) {
  const keypoints::RandomTps tps = keypoints::RandomTps::Sample(
      2, keypoints::RandomTpsOptions(), at::detail::createCPUGenerator(5));
  const Tensor transformed = FillSigned("transformed", {2, 10, 2});
  const Tensor driving = tps.WarpCoordinates(transformed);
  EXPECT_EQ(EquivarianceLoss(driving, transformed, tps).item<float>(), 0);
  EXPECT_NEAR(EquivarianceLoss(driving + 0.25, transformed, tps).item<float>(),
              0.25, 1e-6);
}

}  // namespace
}  // namespace losses
