#include "cpab/batch/flow_kind.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <random>

#include "Eigen/Core"
#include "Eigen/LU"
#include "cpab/batch/dimensions_test_util.h"
#include "cpab/batch/flow_batch.h"
#include "gtest/gtest.h"

namespace cpab {
namespace {

using test_util::BasisFor;

template <typename Dimension>
class FlowKindTest : public ::testing::Test {
 protected:
  static constexpr int D = Dimension::kValue;
  using Kind = FlowKind<D>;

  Eigen::VectorXd DrawTheta(uint64_t seed) const {
    std::mt19937_64 generator(seed);
    std::normal_distribution<double> normal(0, 0.4);
    Eigen::VectorXd theta(basis_->theta_size());
    for (double& element : theta) element = normal(generator);
    return theta;
  }

  // In the cube.
  static PointColumns<D> Draw(int count, uint64_t seed) {
    std::mt19937_64 generator(seed);
    std::uniform_real_distribution<double> uniform(0, 1);
    PointColumns<D> points(D, count);
    for (double& x : points.reshaped()) x = uniform(generator);
    return points;
  }

  PointOf<D> Moved(const Eigen::VectorXd& theta, const PointOf<D>& x) const {
    PointColumns<D> y = x;
    TransformInPlace(typename Kind::Flow(basis_, theta), &y);
    return y;
  }

  const std::shared_ptr<const typename Kind::Basis> basis_ =
      BasisFor(Dimension());
};

TYPED_TEST_SUITE(FlowKindTest, test_util::AllDimensions);

TYPED_TEST(FlowKindTest, VerticesSpanTheCube) {
  const Eigen::MatrixXd vertices = TestFixture::Kind::Vertices(*this->basis_);
  ASSERT_EQ(vertices.rows(), TestFixture::D);
  EXPECT_EQ(vertices.rowwise().minCoeff().cwiseAbs().maxCoeff(), 0);
  EXPECT_EQ(vertices.rowwise().maxCoeff(),
            Eigen::VectorXd::Ones(TestFixture::D));
  constexpr int kCells[] = {5, 24, 20};  // of BasisFor
  EXPECT_EQ(TestFixture::Kind::NumCells(*this->basis_),
            kCells[TestFixture::D - 1]);
}

// The path begins with the velocity: an error of order h.
TYPED_TEST(FlowKindTest, VelocityIsWhereTheFlowSetsOut) {
  constexpr double h = 1e-7;
  const Eigen::VectorXd theta = this->DrawTheta(1);
  const typename TestFixture::Kind::Flow flow(this->basis_, theta);
  const PointColumns<TestFixture::D> points = this->Draw(40, 2);
  for (Eigen::Index n = 0; n < points.cols(); ++n) {
    const PointOf<TestFixture::D> x = points.col(n);
    const PointOf<TestFixture::D> v = TestFixture::Kind::Velocity(flow, x);
    EXPECT_LT(((this->Moved(h * theta, x) - x) / h - v).norm(),
              1e-5 * (1 + v.norm()))
        << n;
  }
}

// Kinks of the second derivative leave an error of order h.
TYPED_TEST(FlowKindTest, DerivativesAreThoseOfDifferences) {
  constexpr int D = TestFixture::D;
  constexpr double h = 1e-6;
  const Eigen::VectorXd theta = this->DrawTheta(3);
  const Eigen::VectorXd dtheta = this->DrawTheta(4);
  const typename TestFixture::Kind::Flow flow(this->basis_, theta);
  const PointColumns<D> points = this->Draw(40, 5);
  const PointColumns<D> steps = this->Draw(40, 6);
  for (Eigen::Index n = 0; n < points.cols(); ++n) {
    const PointOf<D> x = points.col(n), dx = steps.col(n);
    const FlowDerivatives<D> at = TestFixture::Kind::Differentiate(flow, x);
    EXPECT_LT((at.y - this->Moved(theta, x)).norm(), 1e-13 * (1 + at.y.norm()))
        << n;
    const PointOf<D> by_x =
        (this->Moved(theta, x + h * dx) - this->Moved(theta, x - h * dx)) /
        (2 * h);
    EXPECT_LT((at.dy_dx * dx - by_x).norm(), 1e-4 * (1 + by_x.norm())) << n;
    const PointOf<D> by_theta = (this->Moved(theta + h * dtheta, x) -
                                 this->Moved(theta - h * dtheta, x)) /
                                (2 * h);
    EXPECT_LT((at.dy_dtheta * dtheta - by_theta).norm(),
              1e-4 * (1 + by_theta.norm()))
        << n;
    EXPECT_NEAR(at.log_det, std::log(at.dy_dx.determinant()), 1e-9) << n;
    EXPECT_NEAR(at.log_det, TestFixture::Kind::LogDet(flow, x), 1e-12) << n;
  }
}

// Differences of an affine velocity are its gradient, and between two cells a
// mean of two gradients; 2000 points reach each of the few cells.
TYPED_TEST(FlowKindTest, LargestGradientIsThatOfSomeCell) {
  constexpr int D = TestFixture::D;
  constexpr double h = 1e-5;
  const Eigen::VectorXd theta = this->DrawTheta(7);
  const typename TestFixture::Kind::Flow flow(this->basis_, theta);
  const PointColumns<D> points = this->Draw(2000, 8);
  double largest = 0;
  for (Eigen::Index n = 0; n < points.cols(); ++n) {
    Eigen::Matrix<double, D, D> gradient;
    for (int a = 0; a < D; ++a) {
      const PointOf<D> step = h * PointOf<D>::Unit(a);
      gradient.col(a) =
          (TestFixture::Kind::Velocity(flow, points.col(n) + step) -
           TestFixture::Kind::Velocity(flow, points.col(n) - step)) /
          (2 * h);
    }
    largest = std::max(largest, gradient.norm());
  }
  const double expected =
      TestFixture::Kind::LargestGradient(this->basis_->CellsFromTheta(theta));
  EXPECT_NEAR(largest, expected, 1e-8 * expected);
}

}  // namespace
}  // namespace cpab
