#include "cpab/fit/gauss_newton.h"

#include <cmath>

#include "cpab/field/velocity_field.h"
#include "cpab/testing/draws.h"
#include "gtest/gtest.h"

namespace cpab {
namespace {

class GaussNewtonTest : public ::testing::Test {
 protected:
  WeightedPairs Pairs(double move) const {
    WeightedPairs pairs;
    pairs.from = test_util::DrawPoints(6, 0.1, 0.9, 1);
    pairs.to = pairs.from + test_util::DrawPoints(6, -move, move, 2);
    pairs.weights.setOnes(6);
    return pairs;
  }

  // E and its gradient by theta, Sigma^-1 theta - J^T f.
  double Cost(const WeightedPairs& pairs, const Eigen::VectorXd& theta,
              double tension) const {
    const FlowAtPairs flow(VelocityField(model_.basis(), theta), pairs);
    return ResidualNorm(pairs.weights, options_).Value(flow.residual, tension) +
           0.5 * model_.prior->Energy(theta);
  }
  Eigen::VectorXd Gradient(const WeightedPairs& pairs,
                           const Eigen::VectorXd& theta, double tension) const {
    const FlowAtPairs flow(VelocityField(model_.basis(), theta), pairs);
    const Eigen::Matrix2Xd forces =
        ResidualNorm(pairs.weights, options_).Forces(flow.residual, tension);
    return model_.prior->precision() * theta -
           model_.basis()->ThetaFromVertexDual(
               flow.jacobian.TransposeTimes(forces));
  }

  FitOptions options_;
  const FitModel model_{
      Prior::Create(Basis::Create({4, 3}).value(), {}).value()};
};

// At a tight tolerance the result is stationary: the gradient is what the last
// step left of that at theta = 0.
TEST_F(GaussNewtonTest, EndsWhereTheGradientVanishes) {
  options_.tolerance = 1e-14;
  options_.max_iterations = 500;
  for (const double move : {0.02, 0.05}) {
    const WeightedPairs pairs = Pairs(move);
    const FitResult result = FitByGaussNewton(model_, options_, pairs);
    EXPECT_TRUE(result.converged);
    EXPECT_EQ(result.tension, options_.tension);
    const Eigen::VectorXd zero = Eigen::VectorXd::Zero(result.theta.size());
    EXPECT_LT(Gradient(pairs, result.theta, result.tension).norm(),
              1e-4 * Gradient(pairs, zero, result.tension).norm());
    EXPECT_NEAR(result.cost, Cost(pairs, result.theta, result.tension),
                1e-12 * result.cost);
  }
}

TEST_F(GaussNewtonTest, EveryStepLowersTheCost) {
  const WeightedPairs pairs = Pairs(0.3);
  options_.max_gradient = 100;
  double before =
      Cost(pairs, Eigen::VectorXd::Zero(model_.basis()->theta_size()),
           options_.tension);
  for (int steps = 1; steps <= 8; ++steps) {
    options_.max_iterations = steps;
    const FitResult result = FitByGaussNewton(model_, options_, pairs);
    EXPECT_LE(result.cost, before * (1 + 1e-12)) << steps;
    EXPECT_LE(result.iterations, steps);
    before = result.cost;
  }
}

TEST_F(GaussNewtonTest, LowersTheTensionUntilTheGradientIsWithinItsBound) {
  options_.max_gradient = 0.5;
  options_.max_iterations = 200;
  const FitResult result = FitByGaussNewton(model_, options_, Pairs(0.4));
  EXPECT_TRUE(result.converged);
  EXPECT_LT(result.tension, options_.tension);
  EXPECT_LE(result.max_gradient, options_.max_gradient);
  EXPECT_NEAR(result.max_gradient,
              MaxGradient(model_.basis()->CellsFromTheta(result.theta)), 1e-12);
}

TEST_F(GaussNewtonTest, DoesNotTakeNanForAMinimum) {
  FitModel model = model_;
  model.vertex_covariance.setConstant(std::nan(""));
  options_.max_iterations = 100;
  EXPECT_FALSE(FitByGaussNewton(model, options_, Pairs(0.1)).converged);
}

}  // namespace
}  // namespace cpab
