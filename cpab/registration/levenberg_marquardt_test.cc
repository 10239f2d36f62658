#include "cpab/registration/levenberg_marquardt.h"

#include <cmath>
#include <limits>
#include <memory>

#include "gtest/gtest.h"

namespace cpab {
namespace {

// Rosenbrock's valley, 50 (y - x^2)^2 + 1/2 (1 - x)^2, whose minimum is at (1,
// 1), by Gauss-Newton.
struct Valley {
  static Eigen::Vector2d Residuals(const Eigen::VectorXd& x) {
    return {10 * (x[1] - x[0] * x[0]), 1 - x[0]};
  }
  double Value(const Eigen::VectorXd& x) const {
    return 0.5 * Residuals(x).squaredNorm();
  }
  std::unique_ptr<const NormalEquations> Linearise(
      const Eigen::VectorXd& x) const {
    Eigen::Matrix2d J;
    J << -20 * x[0], 10, -1, 0;
    return std::make_unique<const DenseNormalEquations>(
        J.transpose() * Residuals(x), J.transpose() * J);
  }
};

TEST(LevenbergMarquardt, FindsTheMinimumOfACurvedValley) {
  Eigen::VectorXd x = Eigen::Vector2d(-1.2, 1);
  int iterations = 0;
  EXPECT_TRUE(
      MinimiseByLevenbergMarquardt(Valley(), 200, 1e-12, &x, &iterations));
  EXPECT_LT((x - Eigen::Vector2d::Ones()).norm(), 1e-6);
  EXPECT_GT(iterations, 3);
  EXPECT_LT(iterations, 60);
}

TEST(LevenbergMarquardt, SaysWhereTheStepsDidNotSuffice) {
  Eigen::VectorXd x = Eigen::Vector2d(-1.2, 1);
  const double before = Valley().Value(x);
  int iterations = 5;  // Of levels before.
  EXPECT_FALSE(
      MinimiseByLevenbergMarquardt(Valley(), 3, 1e-12, &x, &iterations));
  EXPECT_EQ(iterations, 8);
  EXPECT_LT(Valley().Value(x), before);
}

TEST(LevenbergMarquardt, StopsWhereNoDescentIsLeft) {
  Eigen::VectorXd x = Eigen::Vector2d::Ones();
  int iterations = 0;
  EXPECT_TRUE(MinimiseByLevenbergMarquardt(Valley(), 1, 1e-4, &x, &iterations));
  EXPECT_EQ(x, Eigen::Vector2d::Ones());
  EXPECT_EQ(iterations, 0);
}

// Values that are not numbers are no progress, and no convergence.
struct Nowhere : Valley {
  double Value(const Eigen::VectorXd&) const {
    return std::numeric_limits<double>::quiet_NaN();
  }
};

// So are steps that are not.
struct NoStep : Valley {
  std::unique_ptr<const NormalEquations> Linearise(
      const Eigen::VectorXd&) const {
    return std::make_unique<const DenseNormalEquations>(
        Eigen::Vector2d::Constant(std::nan("")), Eigen::Matrix2d::Identity());
  }
};

TEST(LevenbergMarquardt, CountsTheStepThatConverges) {
  Eigen::VectorXd x = Eigen::Vector2d(0.9, 0.8);
  const double before = Valley().Value(x);
  int iterations = 0;
  EXPECT_TRUE(MinimiseByLevenbergMarquardt(Valley(), 9, 0.99, &x, &iterations));
  EXPECT_LT(Valley().Value(x), before);
  EXPECT_EQ(iterations, 1);
}

TEST(LevenbergMarquardt, DoesNotTakeNanStepsForConvergence) {
  Eigen::VectorXd x = Eigen::Vector2d(-1.2, 1);
  int iterations = 0;
  EXPECT_FALSE(
      MinimiseByLevenbergMarquardt(NoStep(), 100, 1e-4, &x, &iterations));
  EXPECT_EQ(x, Eigen::Vector2d(-1.2, 1));
}

TEST(LevenbergMarquardt, DoesNotTakeNanForProgress) {
  Eigen::VectorXd x = Eigen::Vector2d(-1.2, 1);
  int iterations = 0;
  EXPECT_FALSE(
      MinimiseByLevenbergMarquardt(Nowhere(), 100, 1e-4, &x, &iterations));
  EXPECT_EQ(x, Eigen::Vector2d(-1.2, 1));
}

TEST(DenseNormalEquations, ScaleTheDiagonalByTheDamping) {
  Eigen::Matrix2d hessian;
  hessian << 4, 1, 1, 3;
  const Eigen::Vector2d gradient(1, 2);
  Eigen::Matrix2d damped = hessian;
  damped.diagonal() *= 1.5;
  const Eigen::VectorXd x = DenseNormalEquations(gradient, hessian).Solve(0.5);
  EXPECT_LT((damped * x - gradient).norm(), 1e-14);
}

}  // namespace
}  // namespace cpab
