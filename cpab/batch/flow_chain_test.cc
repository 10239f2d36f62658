#include "cpab/batch/flow_chain.h"

#include <cmath>
#include <memory>
#include <random>

#include "Eigen/LU"
#include "cpab/batch/dimensions_test_util.h"
#include "cpab/field/parallel.h"
#include "gtest/gtest.h"

namespace cpab {
namespace {

using test_util::BasisFor;

template <typename Dimension>
class FlowChainTest : public ::testing::Test {
 protected:
  static constexpr int D = Dimension::kValue;
  static constexpr auto kEach = Chain<D>::Time::kUnitEach;
  static constexpr auto kTogether = Chain<D>::Time::kUnitTogether;

  Eigen::MatrixXd DrawThetas(int stages, double magnitude,
                             uint64_t seed) const {
    std::mt19937_64 generator(seed);
    std::normal_distribution<double> normal(0, magnitude);
    Eigen::MatrixXd thetas(basis_->theta_size(), stages);
    for (double& element : thetas.reshaped()) element = normal(generator);
    return thetas;
  }

  static PointColumns<D> Draw(double low, double high, uint64_t seed) {
    std::mt19937_64 generator(seed);
    std::uniform_real_distribution<double> uniform(low, high);
    PointColumns<D> points(D, 40);
    for (double& x : points.reshaped()) x = uniform(generator);
    return points;
  }

  const std::shared_ptr<const typename Chain<D>::Basis> basis_ =
      BasisFor(Dimension());
  const PointColumns<D> points_ = Draw(-0.2, 1.2, 1);
};

TYPED_TEST_SUITE(FlowChainTest, test_util::AllDimensions);

TYPED_TEST(FlowChainTest, IsItsStagesOneAfterTheOther) {
  constexpr int D = TestFixture::D;
  const Eigen::MatrixXd thetas = this->DrawThetas(3, 0.3, 1);
  const Chain<D> chain(this->basis_, thetas, TestFixture::kEach);
  const PointColumns<D> y = chain.Transform(this->points_);
  for (Eigen::Index n = 0; n < y.cols(); ++n) {
    PointColumns<D> x = this->points_.col(n);
    double log_det = 0;
    for (int i = 0; i < 3; ++i) {
      const typename Chain<D>::Flow flow(this->basis_, thetas.col(i));
      log_det += FlowKind<D>::LogDet(flow, x);
      TransformInPlace(flow, &x);
    }
    EXPECT_EQ(y.col(n), x);
    EXPECT_EQ(chain.LogDetJacobian(this->points_.col(n)), log_det);
  }
  EXPECT_EQ(chain.Transform(this->points_, OnThreads(3)), y);
}

TYPED_TEST(FlowChainTest, InverseGoesBack) {
  constexpr int D = TestFixture::D;
  for (const auto time : {TestFixture::kEach, TestFixture::kTogether}) {
    const Chain<D> chain(this->basis_, this->DrawThetas(4, 0.3, 2), time);
    const PointColumns<D> y = chain.Transform(this->points_);
    EXPECT_LT(
        (chain.Inverse().Transform(y) - this->points_).cwiseAbs().maxCoeff(),
        1e-10);
    for (Eigen::Index n = 0; n < y.cols(); ++n) {
      EXPECT_NEAR(chain.Inverse().LogDetJacobian(y.col(n)),
                  -chain.LogDetJacobian(this->points_.col(n)), 1e-9);
    }
  }
}

TYPED_TEST(FlowChainTest, EqualStagesTogetherAreOneFlow) {
  constexpr int D = TestFixture::D;
  const Eigen::VectorXd theta = this->DrawThetas(1, 0.5, 3);
  const Chain<D> chain(this->basis_, theta.replicate(1, 5),
                       TestFixture::kTogether);
  PointColumns<D> x = this->points_;
  TransformInPlace(typename Chain<D>::Flow(this->basis_, theta), &x);
  EXPECT_LT((chain.Transform(this->points_) - x).cwiseAbs().maxCoeff(), 1e-11);
}

TYPED_TEST(FlowChainTest, NoStageIsTheIdentity) {
  constexpr int D = TestFixture::D;
  const Chain<D> chain({});
  EXPECT_EQ(chain.Transform(this->points_), this->points_);
  EXPECT_EQ(chain.LogDetJacobian(this->points_.col(0)), 0);
  const auto gradient = chain.Pullback(this->points_, this->points_);
  EXPECT_EQ(gradient.points, this->points_);
  EXPECT_EQ(gradient.thetas.size(), 0);
}

// Kinks of the second derivative leave an error of order h.
TYPED_TEST(FlowChainTest, PullbackIsTheGradientOfAllStages) {
  constexpr int D = TestFixture::D;
  const double h = 1e-6;
  const Eigen::MatrixXd thetas = this->DrawThetas(3, 0.3, 4);
  const Eigen::MatrixXd along = this->DrawThetas(3, 0.3, 14);
  const PointColumns<D> steps = this->Draw(-1, 1, 5);
  const PointColumns<D> dl_dy = this->Draw(-1, 1, 6);
  const auto moved = [&](double t) {
    return Chain<D>(this->basis_, thetas + t * along, TestFixture::kTogether)
        .Transform(this->points_ + t * steps);
  };
  const PointColumns<D> differences = (moved(h) - moved(-h)) / (2 * h);
  const Chain<D> chain(this->basis_, thetas, TestFixture::kTogether);
  const auto gradient = chain.Pullback(this->points_, dl_dy);
  EXPECT_NEAR(gradient.points.cwiseProduct(steps).sum() +
                  gradient.thetas.cwiseProduct(along).sum(),
              differences.cwiseProduct(dl_dy).sum(), 1e-4);
  const auto same = chain.Pullback(this->points_, dl_dy, OnThreads(3));
  EXPECT_EQ(gradient.points, same.points);
  EXPECT_EQ(gradient.thetas, same.thetas);
  const Eigen::VectorXd flat = along.reshaped();
  for (Eigen::Index n = 0; n < steps.cols(); ++n) {
    const FlowDerivatives<D> at = chain.Jacobian(this->points_.col(n));
    EXPECT_LT(
        (at.dy_dtheta * flat + at.dy_dx * steps.col(n) - differences.col(n))
            .norm(),
        1e-4);
    EXPECT_NEAR(std::log(at.dy_dx.determinant()), at.log_det, 1e-9);
    EXPECT_NEAR(at.log_det, chain.LogDetJacobian(this->points_.col(n)), 1e-12);
  }
}

// Kinks of the second derivative leave an error of order h.
TYPED_TEST(FlowChainTest, LogDetPullbackIsTheGradientOfAllStages) {
  constexpr int D = TestFixture::D;
  const double h = 1e-6;
  const Eigen::MatrixXd thetas = this->DrawThetas(2, 0.4, 7);
  const Eigen::MatrixXd along = this->DrawThetas(2, 0.4, 17);
  const PointColumns<D> steps = this->Draw(-1, 1, 8);
  const Eigen::VectorXd weights = this->Draw(-1, 1, 9).row(0).transpose();
  const auto loss = [&](double t) {
    const Chain<D> chain(this->basis_, thetas + t * along,
                         TestFixture::kTogether);
    double sum = 0;
    for (Eigen::Index n = 0; n < steps.cols(); ++n) {
      sum += weights[n] *
             chain.LogDetJacobian(this->points_.col(n) + t * steps.col(n));
    }
    return sum;
  };
  const Chain<D> chain(this->basis_, thetas, TestFixture::kTogether);
  const auto gradient = chain.LogDetPullback(this->points_, weights);
  const double slope = gradient.points.cwiseProduct(steps).sum() +
                       gradient.thetas.cwiseProduct(along).sum();
  EXPECT_NEAR(slope, (loss(h) - loss(-h)) / (2 * h),
              1e-4 * (1 + std::abs(slope)));
  // Point by point, too, so that nothing hides in the sum.
  for (Eigen::Index n = 0; n < steps.cols(); ++n) {
    const PointOf<D> x = this->points_.col(n), step = steps.col(n);
    EXPECT_NEAR(gradient.points.col(n).dot(step),
                weights[n] *
                    (chain.LogDetJacobian(x + h * step) -
                     chain.LogDetJacobian(x - h * step)) /
                    (2 * h),
                1e-4 * (1 + gradient.points.col(n).norm()))
        << n;
  }
  const auto same = chain.LogDetPullback(this->points_, weights, OnThreads(3));
  EXPECT_EQ(gradient.points, same.points);
  EXPECT_EQ(gradient.thetas, same.thetas);
}

}  // namespace
}  // namespace cpab
