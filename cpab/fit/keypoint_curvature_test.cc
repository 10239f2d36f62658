#include "cpab/fit/keypoint_curvature.h"

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

  const std::shared_ptr<const Basis> basis_ = Basis::Create({3, 3}).value();
  const FitOptions options_;
  const FitModel model_{Prior::Create(basis_, {}).value()};
  WeightedPairs pairs_;
};

// Both are linear in the field, so that a translation, and what is almost one,
// has the sum of the columns. A path that passes a vertex within a step leaves
// 1e-5 of a column.
TEST_F(KeypointCurvatureTest, IsLinearAlongFieldsThatAreAlmostConstant) {
  const int size = basis_->theta_size();
  const KeypointCurvature curvature(model_, options_, pairs_, options_.tension,
                                    test_util::DrawTheta(*basis_, 0.1, 3));
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
