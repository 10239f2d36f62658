#include "cpab/fit/dual_system.h"

#include <cmath>
#include <memory>

#include "Eigen/Core"
#include "cpab/field/basis.h"
#include "cpab/field/prior.h"
#include "cpab/field/velocity_field.h"
#include "cpab/flow/vertex_jacobian.h"
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

class DualSystemTest : public ::testing::TestWithParam<TessellationOptions> {
 protected:
  VertexJacobian JacobianAt(const Eigen::Matrix2Xd& points) const {
    return VertexJacobian(SensitivitiesOfPoints(field_, points),
                          basis_->tessellation().num_vertices());
  }

  const std::shared_ptr<const Basis> basis_ = Basis::Create(GetParam()).value();
  const VelocityField field_{basis_, DrawTheta(*basis_, 0.7, 1)};
  const RowMajorMatrix covariance_ =
      basis_->vertex_basis() * Prior::Create(basis_, {}).value()->covariance() *
      basis_->vertex_basis().transpose();
};

INSTANTIATE_TEST_SUITE_P(Tessellations, DualSystemTest,
                         ::testing::ValuesIn(AllKinds()),
                         [](const auto& info) { return KindName(info.param); });

// Numbers of equations around multiples of the four that go together, and
// compliances far apart, one after the other. The condition of the system is at
// most 1e5, from elements below 1e2 and compliances of at least 1e-3.
TEST_P(DualSystemTest, SolvesTheDenseSystem) {
  for (const int count : {1, 2, 3, 4, 5, 21, 50}) {
    const VertexJacobian jacobian = JacobianAt(DrawPoints(count, 0, 1, count));
    const Eigen::MatrixXd dense = DenseJacobian(jacobian, *basis_);
    DualSystem system(jacobian, covariance_);
    for (const double size : {1e2, 1e-3}) {
      const Eigen::RowVectorXd compliance =
          size * DrawPoints(count, 1, 2, 2).row(0);
      Eigen::MatrixXd matrix = dense * covariance_ * dense.transpose();
      matrix.diagonal() += compliance.replicate<2, 1>().reshaped();
      const Eigen::VectorXd expected = DrawPoints(count, -1, 1, 3).reshaped();
      Eigen::VectorXd x = matrix * expected;
      system.Factor(compliance);
      system.SolveInPlace(x);
      EXPECT_LT((x - expected).norm(), 1e-10 * expected.norm())
          << count << " pairs, compliance " << size;
    }
  }
}

// Equal points have equal rows. With b of the system's range, as residuals of
// equal pairs are, the solution has b for its image.
TEST_P(DualSystemTest, SolvesWhatIsSingularToRounding) {
  Eigen::Matrix2Xd points(2, 6);
  points << DrawPoints(3, 0.1, 0.9, 4), DrawPoints(3, 0.1, 0.9, 4);
  const VertexJacobian jacobian = JacobianAt(points);
  DualSystem system(jacobian, covariance_);
  system.Factor(Eigen::RowVectorXd::Constant(6, 1e-300));
  const Eigen::MatrixXd dense = DenseJacobian(jacobian, *basis_);
  const Eigen::MatrixXd matrix = dense * covariance_ * dense.transpose();
  const Eigen::VectorXd b =
      matrix * DrawPoints(6, -1, 1, 5).reshaped().matrix();
  Eigen::VectorXd x = b;
  system.SolveInPlace(x);
  EXPECT_TRUE(x.allFinite());
  EXPECT_LT((matrix * x - b).norm(), 1e-10 * b.norm());
}

TEST_P(DualSystemTest, NanGivesNan) {
  DualSystem system(JacobianAt(DrawPoints(3, 0, 1, 6)), covariance_);
  system.Factor(Eigen::RowVectorXd::Constant(3, std::nan("")));
  Eigen::VectorXd x = Eigen::VectorXd::Ones(6);
  system.SolveInPlace(x);
  EXPECT_TRUE(x.array().isNaN().all());
}

}  // namespace
}  // namespace cpab
