#include "cpab/registration/normal_equations.h"

#include <cstdint>

#include "Eigen/Core"
#include "cpab/testing/draws.h"
#include "gtest/gtest.h"

namespace cpab {
namespace {

constexpr int kStages = 3, kVelocities = 7, kTheta = 5;

Eigen::MatrixXd Draw(int rows, int cols, uint64_t seed) {
  return test_util::DrawNormal(rows * cols, 1, seed).reshaped(rows, cols);
}

// As sums over pixels leave it: whole above the blocks of the diagonal, and
// nothing below.
Eigen::MatrixXd UpperBlocks(const Eigen::MatrixXd& whole) {
  Eigen::MatrixXd result = whole;
  for (int i = 0; i < kStages; ++i) {
    result.block(i * kVelocities, 0, kVelocities, i * kVelocities).setZero();
  }
  return result;
}

TEST(HessianByTheta, IsTheProductOfAllStages) {
  const Eigen::MatrixXd W = Draw(kVelocities, kTheta, 1);
  Eigen::MatrixXd slopes = Draw(20, kStages * kVelocities, 2);
  slopes = (slopes.array() > 0.8).select(slopes, 0).eval();
  const Eigen::MatrixXd H = slopes.transpose() * slopes;
  Eigen::MatrixXd all =
      Eigen::MatrixXd::Zero(kStages * kVelocities, kStages * kTheta);
  for (int i = 0; i < kStages; ++i) {
    all.block(i * kVelocities, i * kTheta, kVelocities, kTheta) = W;
  }
  const Eigen::MatrixXd expected = all.transpose() * H * all;
  const Eigen::MatrixXd actual = HessianByTheta(W, UpperBlocks(H), kStages);
  // Rounding of sums of 7 times 7 products, in another order.
  EXPECT_LT((actual - expected).norm(), 1e-14 * expected.norm());
  EXPECT_EQ(actual, actual.transpose());
}

}  // namespace
}  // namespace cpab
