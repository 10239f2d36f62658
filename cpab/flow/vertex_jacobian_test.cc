#include "cpab/flow/vertex_jacobian.h"

#include "cpab/flow/flow.h"
#include "cpab/testing/dense_jacobian.h"
#include "cpab/testing/draws.h"
#include "gtest/gtest.h"

namespace cpab {
namespace {

using test_util::AllKinds;
using test_util::DenseJacobian;
using test_util::DrawPoints;
using test_util::DrawTheta;
using test_util::KindName;

// Both ways add up the same arcs in another order: tens of roundings of numbers
// below 100.
constexpr double kTolerance = 1e-11;

class VertexJacobianTest
    : public ::testing::TestWithParam<TessellationOptions> {
 protected:
  const std::shared_ptr<const Basis> basis_ = Basis::Create(GetParam()).value();
  const Eigen::VectorXd theta_ = DrawTheta(*basis_, 0.7, 1);
  const Eigen::Matrix2Xd points_ = DrawPoints(20, 0, 1, 2);
  const VertexJacobian jacobian_{
      SensitivitiesOfPoints(VelocityField(basis_, theta_), points_),
      basis_->tessellation().num_vertices()};
};

INSTANTIATE_TEST_SUITE_P(Tessellations, VertexJacobianTest,
                         ::testing::ValuesIn(AllKinds()),
                         [](const auto& info) { return KindName(info.param); });

TEST_P(VertexJacobianTest, TimesBasisIsTheFlowsJacobian) {
  const PointsJacobian expected = Flow(basis_, theta_).Jacobians(points_);
  const RowMajorMatrix dy_dtheta =
      DenseJacobian(jacobian_, *basis_) * basis_->vertex_basis();
  EXPECT_LT((dy_dtheta - expected.dy_dtheta).cwiseAbs().maxCoeff(), kTolerance);
  for (int k = 0; k < points_.cols(); ++k) {
    const PointSensitivity& point = jacobian_.point(k);
    EXPECT_LT((point.y - expected.y.col(k)).norm(), kTolerance) << k;
    EXPECT_LT((point.dy_dx - expected.dy_dx[k]).norm(), kTolerance) << k;
  }
}

TEST_P(VertexJacobianTest, ProductsAreThoseOfTheDenseMatrix) {
  const Eigen::MatrixXd dense = DenseJacobian(jacobian_, *basis_);
  const Eigen::Matrix2Xd f = DrawPoints(points_.cols(), -1, 1, 3);
  const Eigen::Map<const Eigen::VectorXd> flat(f.data(), f.size());
  EXPECT_LT((jacobian_.TransposeTimes(f) - dense.transpose() * flat).norm(),
            kTolerance);
}

}  // namespace
}  // namespace cpab
