#include "losses/background_consistency.h"

#include <torch/types.h>

#include "gtest/gtest.h"
#include "networks/testing/bfloat16_autocast.h"

namespace losses {
namespace {

using torch::Tensor;

TEST(BackgroundLoss, IsZeroForInverses) {
  const Tensor there = torch::tensor(
      {{{2., 0., 0.5}, {0., 4., -1.}, {0., 0., 1.}}}, torch::kFloat32);
  EXPECT_EQ(BackgroundLoss(there, there.inverse()).item<float>(), 0);
  // I - there^2: diagonal -3, -15, 0, and offsets -1.5, 5.
  EXPECT_NEAR(BackgroundLoss(there, there).item<float>(), 24.5 / 9, 1e-6);
}

TEST(BackgroundLoss, HasAllDigitsUnderAutocast) {
  const Tensor there = torch::eye(3).unsqueeze(0) * 1.001f;
  const Tensor expected = BackgroundLoss(there, there);
  const networks::test_util::BFloat16Autocast autocast;
  EXPECT_TRUE(torch::equal(BackgroundLoss(there, there), expected));
}

}  // namespace
}  // namespace losses
