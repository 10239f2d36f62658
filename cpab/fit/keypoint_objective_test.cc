#include "cpab/fit/keypoint_objective.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <memory>

#include "Eigen/Core"
#include "cpab/field/basis.h"
#include "cpab/field/prior.h"
#include "cpab/field/velocity_field.h"
#include "cpab/fit/fit_problem.h"
#include "cpab/testing/draws.h"
#include "gtest/gtest.h"

namespace cpab {
namespace {

using test_util::DrawPoints;
using test_util::DrawTheta;

constexpr double kTension = 3;

// Residuals from nothing to far more than the square, beside the noise of 2e-4.
class ResidualNormTest : public ::testing::TestWithParam<double> {
 protected:
  static constexpr int kPairs = 5;

  double Value(const Eigen::Matrix2Xd& r) const {
    return norm_.Value(r, kTension);
  }

  const FitOptions options_ = {};
  const Eigen::RowVectorXd weights_ = Eigen::RowVectorXd{{1, 2.5, 0.5, 1, 3}};
  const Eigen::Matrix2Xd residuals_ = GetParam() * DrawPoints(kPairs, -1, 1, 1);
  const ResidualNorm norm_{weights_, options_};
};

INSTANTIATE_TEST_SUITE_P(Sizes, ResidualNormTest,
                         ::testing::Values(0.0, 1e-7, 2e-4, 0.1, 10.0));

TEST_P(ResidualNormTest, IsTheRootOfTheWeightedSquaresAboveThatOfTheNoise) {
  // In long double, where the difference of the roots cancels.
  long double sum = 0, floor = 0;
  for (int k = 0; k < kPairs; ++k) {
    const long double w = weights_[k], noise = options_.noise;
    sum += w * (std::pow(static_cast<long double>(residuals_(0, k)), 2) +
                std::pow(static_cast<long double>(residuals_(1, k)), 2));
    floor += w * noise * noise;
  }
  const double expected = static_cast<double>(
      kTension * (std::sqrt(sum + floor) - std::sqrt(floor)));
  // The long double has 1e-19 of the noise's 5e-4 left.
  EXPECT_NEAR(Value(residuals_), expected, 1e-14 * expected + 1e-21);
}

// To a step of a thousandth of the noise, over which the third derivative costs
// 1e-6.
TEST_P(ResidualNormTest, HasForcesThatAreItsGradient) {
  const double h = 1e-3 * std::max(options_.noise, GetParam());
  const Eigen::Matrix2Xd forces = norm_.Forces(residuals_, kTension);
  for (int i = 0; i < residuals_.size(); ++i) {
    Eigen::Matrix2Xd ahead = residuals_, behind = residuals_;
    ahead.reshaped()[i] += h;
    behind.reshaped()[i] -= h;
    EXPECT_NEAR(forces.reshaped()[i], (Value(ahead) - Value(behind)) / (2 * h),
                1e-5 * kTension)
        << i;
  }
}

// The pull on the field is at most the tension, however large the residuals.
TEST_P(ResidualNormTest, PullsNoMoreThanItsTension) {
  const Eigen::Matrix2Xd forces = norm_.Forces(residuals_, kTension);
  const double pull = std::sqrt(
      (forces.colwise().squaredNorm().array() / weights_.array()).sum());
  EXPECT_LE(pull, kTension * (1 + 1e-15));
  if (GetParam() >= 10) {
    EXPECT_GT(pull, 0.999 * kTension);
  }
}

TEST_P(ResidualNormTest, LiesBelowTheQuadraticThatTouchesIt) {
  const Eigen::RowVectorXd compliance = norm_.Compliance(residuals_, kTension);
  const Eigen::Matrix2Xd forces = norm_.Forces(residuals_, kTension);
  for (uint64_t seed = 0; seed < 100; ++seed) {
    for (const double size : {1e-6, 1e-3, 0.3, 20.0}) {
      const Eigen::Matrix2Xd step = size * DrawPoints(kPairs, -1, 1, seed);
      const double quadratic =
          Value(residuals_) + forces.cwiseProduct(step).sum() +
          (step.colwise().squaredNorm().array() / compliance.array()).sum() / 2;
      EXPECT_LE(Value(residuals_ + step), quadratic * (1 + 1e-12)) << size;
    }
  }
}

TEST_P(ResidualNormTest, HasAHessianThatIsTheChangeOfItsForces) {
  const double h = 1e-4 * std::max(options_.noise, GetParam());
  const Eigen::Matrix2Xd v = DrawPoints(kPairs, -1, 1, 7);
  const Eigen::Matrix2Xd expected =
      (norm_.Forces(residuals_ + h * v, kTension) -
       norm_.Forces(residuals_ - h * v, kTension)) /
      (2 * h);
  const Eigen::Matrix2Xd actual = norm_.HessianTimes(residuals_, kTension, v);
  EXPECT_LT((actual - expected).norm(), 1e-6 * expected.norm());
  // Its condition is (residual / noise)^2, up to 1e10.
  const Eigen::RowVectorXd compliance = norm_.Compliance(residuals_, kTension);
  const Eigen::Matrix2Xd back =
      (actual.array().rowwise() * compliance.array()).matrix() +
      residuals_.cwiseProduct(actual).sum() /
          norm_.OuterDivisor(residuals_, kTension) * residuals_;
  EXPECT_LT((back - v).norm(), 1e-5 * v.norm());
}

TEST_P(ResidualNormTest, SaysWhatRoundingMayChange) {
  constexpr double kSize = 1.5;
  const double unit = 8 * std::numeric_limits<double>::epsilon() * kSize;
  for (uint64_t seed = 0; seed < 100; ++seed) {
    Eigen::Matrix2Xd step = DrawPoints(kPairs, -1, 1, seed);
    step = unit * step.colwise().normalized();
    EXPECT_LE(
        std::abs(Value(residuals_ + step) - Value(residuals_)),
        norm_.Rounding(residuals_, kTension, kSize) +
            4 * std::numeric_limits<double>::epsilon() * Value(residuals_));
  }
}

// However little noise there is. Forces pull no more than the tension.
TEST_P(ResidualNormTest, RoundingChangesNoMoreThanItsOwnNorm) {
  FitOptions options;
  options.noise = 1e-30;
  const double unit = 8 * std::numeric_limits<double>::epsilon();
  EXPECT_LE(ResidualNorm(weights_, options).Rounding(residuals_, kTension, 1),
            2.001 * unit * kTension * std::sqrt(weights_.sum()));
}

TEST(LoweredTension, FallsByTheSquareOfTheExcessAndNoFurtherThanAQuarter) {
  FitOptions options;
  options.max_gradient = 5;
  EXPECT_DOUBLE_EQ(LoweredTension(5, options).factor, 0.98);
  EXPECT_DOUBLE_EQ(LoweredTension(8, options).factor, 0.98 * 25 / 64);
  const double h = 1e-6;
  EXPECT_NEAR(LoweredTension(8, options).slope,
              (LoweredTension(8 + h, options).factor -
               LoweredTension(8 - h, options).factor) /
                  (2 * h),
              1e-9);
  EXPECT_EQ(LoweredTension(100, options).factor, 0.25);
  EXPECT_EQ(LoweredTension(100, options).slope, 0);
}

class FitModelTest : public ::testing::Test {
 protected:
  const std::shared_ptr<const Basis> basis_ = Basis::Create({3, 2}).value();
  const FitModel model_{Prior::Create(basis_, {}).value()};
};

// A force f has theta = Sigma W^T f, velocities W theta and, as its energy,
// theta^T Sigma^-1 theta = f . u. Sums of some fifty numbers up to 10.
TEST_F(FitModelTest, GivesFieldVelocitiesAndEnergyOfAForce) {
  Eigen::VectorXd force =
      DrawPoints(basis_->tessellation().num_vertices(), -1, 1, 1).reshaped();
  force.segment(4, 6).setZero();
  const Eigen::VectorXd theta = model_.theta_from_force * force;
  const Eigen::VectorXd velocities = model_.Velocities(force);
  EXPECT_LT((velocities - basis_->VerticesFromTheta(theta).reshaped()).norm(),
            1e-12 * velocities.norm());
  EXPECT_NEAR(force.dot(velocities), model_.prior->Energy(theta),
              1e-10 * model_.prior->Energy(theta));
}

TEST_F(FitModelTest, GivesAForceOfEveryDual) {
  const Eigen::VectorXd dual = DrawTheta(*basis_, 1, 2);
  EXPECT_LT((basis_->ThetaFromVertexDual(model_.force_from_dual * dual) - dual)
                .norm(),
            1e-12 * dual.norm());
}

TEST_F(FitModelTest, MeasuresTheFlowAtThePairs) {
  const VelocityField field(basis_, DrawTheta(*basis_, 0.3, 3));
  WeightedPairs pairs;
  pairs.from = DrawPoints(6, 0, 1, 4);
  pairs.to = DrawPoints(6, 0, 2.5, 5);
  pairs.weights.setOnes(6);
  const FlowAtPairs flow(field, pairs);
  for (int k = 0; k < 6; ++k) {
    EXPECT_EQ(flow.residual.col(k), pairs.to.col(k) - flow.jacobian.point(k).y);
  }
  EXPECT_EQ(pairs.Size(), std::max(pairs.from.maxCoeff(), pairs.to.maxCoeff()));
  EXPECT_NEAR(WeightedSquaredNorm(flow.residual, pairs.weights),
              flow.residual.squaredNorm(), 1e-14);
}

TEST_F(FitModelTest, MeasuresTheVelocityGradientOfTheSteepestCell) {
  const CellCoefficients cells =
      basis_->CellsFromTheta(DrawTheta(*basis_, 1, 6));
  double expected = 0;
  for (int c = 0; c < cells.rows(); ++c) {
    Eigen::Matrix2d gradient;
    gradient << cells(c, 0), cells(c, 1), cells(c, 3), cells(c, 4);
    expected = std::max(expected, gradient.norm());
  }
  EXPECT_NEAR(MaxGradient(cells), expected, 1e-14 * expected);
}

}  // namespace
}  // namespace cpab
