#include "cpab/fit/keypoint_curvature.h"

#include <cstdint>
#include <memory>

#include "cpab/testing/draws.h"
#include "gtest/gtest.h"

namespace cpab {
namespace {

class KeypointCurvatureTest : public ::testing::Test {
 protected:
  KeypointCurvatureTest() {
    pairs_.from = test_util::DrawPoints(8, 0.1, 0.9, 1);
    pairs_.to = pairs_.from + test_util::DrawPoints(8, -0.1, 0.1, 2);
    pairs_.weights.setOnes(8);
  }

  KeypointCurvature At(const Eigen::VectorXd& theta) const {
    return KeypointCurvature(model_, options_, pairs_, options_.tension, theta);
  }

  const std::shared_ptr<const Basis> basis_ = Basis::Create({3, 3}).value();
  FitOptions options_;
  const FitModel model_{Prior::Create(basis_, {}).value()};
  WeightedPairs pairs_;
};

// By central differences along single directions: h^2 of the third derivative,
// and 1e-16 of a cost of 1 over h.
TEST_F(KeypointCurvatureTest, HasTheGradientOfItsCost) {
  const Eigen::VectorXd theta = test_util::DrawTheta(*basis_, 0.1, 5);
  const Eigen::VectorXd gradient = At(theta).gradient();
  constexpr double kStep = 1e-5;
  for (uint64_t seed = 10; seed < 20; ++seed) {
    const Eigen::VectorXd v =
        test_util::DrawTheta(*basis_, 1, seed).normalized();
    const double slope =
        (At(theta + kStep * v).cost() - At(theta - kStep * v).cost()) /
        (2 * kStep);
    EXPECT_NEAR(gradient.dot(v), slope, 1e-7 * gradient.norm()) << seed;
  }
}

// Hess E = G - C: the change of the gradient along v, with C v added, is G v.
// Residuals of 0.1 leave nothing of G^-1 where their part in H^-1 is added up.
TEST_F(KeypointCurvatureTest, HasTheHessianOfItsGradient) {
  const Eigen::VectorXd theta = test_util::DrawTheta(*basis_, 0.1, 6);
  constexpr double kStep = 1e-6;
  for (uint64_t seed = 20; seed < 30; ++seed) {
    options_.noise = seed < 25 ? 2e-4 : 1e-12;
    const KeypointCurvature curvature = At(theta);
    const Eigen::VectorXd v =
        test_util::DrawTheta(*basis_, 1, seed).normalized();
    const Eigen::VectorXd change =
        (At(theta + kStep * v).gradient() - At(theta - kStep * v).gradient()) /
        (2 * kStep);
    const Eigen::VectorXd curved = curvature.CentralCurvatureTimes(v);
    EXPECT_GT(curved.norm(), 1e-3 * change.norm());
    EXPECT_LT((curvature.SolveGaussNewton(change + curved) - v).norm(), 1e-5)
        << seed;
    EXPECT_LT((curvature.CurvatureTimes(v) - curved).norm(),
              1e-3 * curved.norm())
        << seed;
  }
}

// Both are linear in the field, so that a translation, and what is almost one,
// has the sum of the columns. A path that passes a vertex within a step leaves
// 1e-5 of a column.
TEST_F(KeypointCurvatureTest, IsLinearAlongFieldsThatAreAlmostConstant) {
  const int size = basis_->theta_size();
  const KeypointCurvature curvature = At(test_util::DrawTheta(*basis_, 0.1, 3));
  const Eigen::VectorXd translation =
      basis_->ThetaFromVertices(Eigen::Vector2d(1, 0.5).replicate(
          1, basis_->tessellation().num_vertices()));
  for (const double rest : {0.0, 1e-9, 1e-3, 1.0}) {
    const Eigen::VectorXd v =
        translation + test_util::DrawTheta(*basis_, rest, 4);
    Eigen::VectorXd theta = Eigen::VectorXd::Zero(size);
    Eigen::Matrix2Xd points = Eigen::Matrix2Xd::Zero(2, 8);
    for (int i = 0; i < size; ++i) {
      const KeypointCurvature::Transport column =
          curvature.TransportAlong(Eigen::VectorXd::Unit(size, i));
      theta += v[i] * column.theta;
      points += v[i] * column.points;
    }
    const KeypointCurvature::Transport transport = curvature.TransportAlong(v);
    EXPECT_LT((transport.theta - theta).norm(), 1e-3 * theta.norm()) << rest;
    EXPECT_LT((transport.points - points).norm(), 1e-3 * points.norm()) << rest;
    EXPECT_LT((curvature.CurvatureTimes(v) - theta).norm(), 1e-2 * theta.norm())
        << rest;
  }
}

}  // namespace
}  // namespace cpab
