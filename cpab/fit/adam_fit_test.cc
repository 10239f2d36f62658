#include "cpab/fit/adam_fit.h"

#include <cmath>
#include <memory>

#include "Eigen/Core"
#include "cpab/field/basis.h"
#include "cpab/fit/fit_problem.h"
#include "cpab/fit/keypoint_objective.h"
#include "cpab/flow/flow.h"
#include "cpab/testing/draws.h"
#include "gtest/gtest.h"

namespace cpab {
namespace {

class AdamFitTest : public ::testing::Test {
 protected:
  AdamFitTest() {
    pairs_.from = test_util::DrawPoints(6, 0.1, 0.9, 1);
    pairs_.to = pairs_.from + test_util::DrawPoints(6, -0.05, 0.05, 2);
    pairs_.weights.setOnes(6);
    pairs_.weights[2] = 3;
  }

  FitResult Fit(int iterations) {
    options_.adam_iterations = iterations;
    return FitByAdam(basis_, options_, pairs_);
  }

  // [CPABMM] Eq. (6): the norm of residuals in [-1, 1].
  double Loss(const Eigen::VectorXd& theta) const {
    const Flow flow(basis_, theta);
    double sum = 0;
    for (Eigen::Index k = 0; k < pairs_.from.cols(); ++k) {
      sum += pairs_.weights[k] *
             (2 * (pairs_.to.col(k) - flow(pairs_.from.col(k)))).squaredNorm();
    }
    return std::sqrt(sum);
  }

  // By central differences.
  Eigen::ArrayXd Gradient(const Eigen::VectorXd& theta) const {
    constexpr double kStep = 1e-5;
    Eigen::ArrayXd gradient(theta.size());
    for (Eigen::Index i = 0; i < theta.size(); ++i) {
      const Eigen::VectorXd step =
          kStep * Eigen::VectorXd::Unit(theta.size(), i);
      gradient[i] = (Loss(theta + step) - Loss(theta - step)) / (2 * kStep);
    }
    return gradient;
  }

  FitOptions options_;
  const std::shared_ptr<const Basis> basis_ = Basis::Create({3, 2}).value();
  WeightedPairs pairs_;
};

TEST_F(AdamFitTest, BeginsAtAMillionth) {
  const FitResult result = Fit(0);
  EXPECT_EQ(result.theta,
            Eigen::VectorXd::Constant(basis_->theta_size(), 1e-6));
  EXPECT_EQ(result.iterations, 0);
}

// [Adam] Alg. 1 in plain loops. Where an element of the gradient is 0, rounding
// leaves 1e-11 of it in a difference, which is 1e-3 of a step beside Adam's
// epsilon of 1e-8.
TEST_F(AdamFitTest, TakesTheStepsOfAdam) {
  constexpr int kSteps = 5;
  Eigen::VectorXd theta = Eigen::VectorXd::Constant(basis_->theta_size(), 1e-6);
  Eigen::ArrayXd mean = Eigen::ArrayXd::Zero(theta.size()), square = mean;
  for (int t = 1; t <= kSteps; ++t) {
    const Eigen::ArrayXd g = Gradient(theta);
    mean = 0.9 * mean + 0.1 * g;
    square = 0.999 * square + 0.001 * g * g;
    const Eigen::ArrayXd unbiased_mean = mean / (1 - std::pow(0.9, t));
    const Eigen::ArrayXd unbiased_square = square / (1 - std::pow(0.999, t));
    theta.array() -=
        options_.adam_rate * unbiased_mean / (unbiased_square.sqrt() + 1e-8);
  }
  const FitResult result = Fit(kSteps);
  EXPECT_EQ(result.iterations, kSteps);
  EXPECT_LT((result.theta - theta).cwiseAbs().maxCoeff(),
            1e-2 * options_.adam_rate);
}

TEST_F(AdamFitTest, SaysWhatItsFieldLeaves) {
  const FitResult result = Fit(100);
  EXPECT_LT(result.cost, Fit(0).cost);
  EXPECT_NEAR(result.cost, Loss(result.theta), 1e-12);
  EXPECT_NEAR(result.residual, result.cost / 2, 1e-12);
  EXPECT_EQ(result.tension, options_.tension);
  EXPECT_NEAR(result.max_gradient,
              MaxGradient(basis_->CellsFromTheta(result.theta)), 1e-12);
}

// The norm has no gradient at 0; a step by NaN would never end.
TEST_F(AdamFitTest, StaysFiniteWhereThePairsAreMet) {
  const Flow start(basis_, Fit(0).theta);
  start.Transform<double>(pairs_.from, pairs_.to);
  const FitResult result = Fit(1);
  EXPECT_TRUE(result.theta.allFinite());
  EXPECT_LT(result.cost, 1);
}

}  // namespace
}  // namespace cpab
