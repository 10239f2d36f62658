#include "cpab/torch/sparse_velocities.h"

#include <torch/types.h>

#include <cmath>
#include <memory>

#include "Eigen/Core"
#include "cpab/testing/draws.h"
#include "gtest/gtest.h"

namespace cpab {
namespace {

class SparseVelocitiesTest : public ::testing::Test {
 protected:
  SparseVelocitiesTest() {
    for (int b = 0; b < 2; ++b) {
      const Eigen::VectorXd theta = test_util::DrawTheta(*basis_, 1, b + 1);
      for (int i = 0; i < theta.size(); ++i) {
        theta_[b][i] = theta[i];
      }
    }
  }

  const std::shared_ptr<const Basis> basis_ =
      Basis::Create({4, 3, false, false, true}).value();
  torch::Tensor theta_ =
      torch::zeros({2, basis_->theta_size()}, torch::kFloat64);
};

TEST_F(SparseVelocitiesTest, AreThoseOfTheBasis) {
  const torch::Tensor u = SparseVelocities(*basis_, theta_);
  for (int b = 0; b < 2; ++b) {
    const Eigen::Matrix2Xd expected =
        basis_->VerticesFromTheta(test_util::DrawTheta(*basis_, 1, b + 1));
    ASSERT_EQ(u.size(1), expected.size());
    for (int i = 0; i < expected.size(); ++i) {
      EXPECT_NEAR(u[b][i].item<double>(), expected(i % 2, i / 2), 1e-14);
    }
  }
}

// The map is linear: the gradient of <u, w> is W^T w, and <W^T w, theta> = <w,
// u>.
TEST_F(SparseVelocitiesTest, HaveTheTransposeForTheirGradient) {
  const torch::Tensor theta =
      theta_.to(torch::kFloat32).set_requires_grad(true);
  const torch::Tensor u = DifferentiableVelocities(*basis_, theta);
  const torch::Tensor w =
      torch::linspace(-1, 2, u.numel(), torch::kFloat64).view(u.sizes());
  (u * w).sum().backward();
  EXPECT_EQ(theta.grad().scalar_type(), torch::kFloat32);
  EXPECT_TRUE(torch::allclose(
      theta.grad(), SparseThetaGradient(*basis_, w).to(torch::kFloat32)));
  const double expected = (u * w).sum().item<double>();
  EXPECT_NEAR((SparseThetaGradient(*basis_, w) * theta).sum().item<double>(),
              expected, 1e-6 * std::abs(expected) + 1e-6);
}

}  // namespace
}  // namespace cpab
