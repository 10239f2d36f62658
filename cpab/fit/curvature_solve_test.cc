#include "cpab/fit/curvature_solve.h"

#include <cmath>
#include <limits>

#include "Eigen/Eigenvalues"
#include "Eigen/LU"
#include "cpab/fit/keypoint_curvature.h"
#include "cpab/fit/solver_constants.h"
#include "cpab/testing/draws.h"
#include "gtest/gtest.h"

namespace cpab {
namespace {

using solver::kLeastCurvature;

// Pairs with moves of up to `move`, at random fields of magnitude `theta`: near
// the minimum of small moves the Hessian is positive definite, for large ones
// it is indefinite.
struct Setting {
  double move;
  double theta;
  bool indefinite;  // For most draws.
};

class CurvatureSolveTest : public ::testing::TestWithParam<Setting> {
 protected:
  CurvatureSolveTest() {
    const double move = GetParam().move;
    pairs_.from = test_util::DrawPoints(12, 0.1, 0.9, 1);
    pairs_.to = pairs_.from + test_util::DrawPoints(12, -move, move, 2);
    pairs_.weights.setOnes(12);
  }

  KeypointCurvature CurvatureAt(uint64_t seed) const {
    return KeypointCurvature(
        model_, options_, pairs_, options_.tension,
        test_util::DrawTheta(*model_.basis(), GetParam().theta, seed));
  }

  // Hess E = G - C and G^-1, column by column.
  struct Dense {
    Eigen::MatrixXd hessian, inverse_gauss_newton;
  };
  Dense DenseOf(const KeypointCurvature& curvature) const {
    const int size = model_.basis()->theta_size();
    Dense dense = {Eigen::MatrixXd(size, size), Eigen::MatrixXd(size, size)};
    for (int i = 0; i < size; ++i) {
      const Eigen::VectorXd unit = Eigen::VectorXd::Unit(size, i);
      dense.hessian.col(i) = -curvature.TransportAlong(unit).theta;
      dense.inverse_gauss_newton.col(i) = curvature.SolveGaussNewton(unit);
    }
    dense.hessian += dense.inverse_gauss_newton.inverse();
    dense.hessian = (0.5 * (dense.hessian + dense.hessian.transpose())).eval();
    return dense;
  }

  const FitOptions options_;
  const FitModel model_{
      Prior::Create(Basis::Create({3, 3}).value(), {}).value()};
  WeightedPairs pairs_;
};

INSTANTIATE_TEST_SUITE_P(Settings, CurvatureSolveTest,
                         ::testing::Values(Setting{0.02, 0.01, false},
                                           Setting{0.5, 1, true}));

// The formula in curvature_solve.h from all eigenvectors, by a dense solver:
// Hess E v = tau G v. The differences behind the Hessian leave 1e-10 of it, or
// 1e-5 where a path passes a vertex within their step; the softest direction
// multiplies that by up to 1 / kLeastCurvature.
TEST_P(CurvatureSolveTest, AgreesWithTheDenseEigenvectors) {
  int indefinite = 0;
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    const KeypointCurvature curvature = CurvatureAt(seed);
    const Dense dense = DenseOf(curvature);
    const Eigen::GeneralizedSelfAdjointEigenSolver<Eigen::MatrixXd> eigen(
        dense.hessian, dense.inverse_gauss_newton.inverse());
    const Eigen::VectorXd b = test_util::DrawTheta(*model_.basis(), 1, seed);
    const Eigen::VectorXd expected =
        eigen.eigenvectors() *
        (eigen.eigenvectors().transpose() * b)
            .cwiseQuotient(
                eigen.eigenvalues().cwiseAbs().cwiseMax(kLeastCurvature));
    const CurvatureSolution solution = SolveCurvature(curvature, b, 1e-12);
    EXPECT_LT((solution.x - expected).norm(), 1e-3 * expected.norm()) << seed;
    EXPECT_NEAR(solution.least_curvature, eigen.eigenvalues().minCoeff(), 1e-4)
        << seed;
    indefinite += solution.least_curvature < 0;
  }
  EXPECT_EQ(indefinite > 5, GetParam().indefinite) << indefinite;
}

TEST_P(CurvatureSolveTest, IsBoundedAndNeverZero) {
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    const KeypointCurvature curvature = CurvatureAt(seed);
    const Eigen::VectorXd b = test_util::DrawTheta(*model_.basis(), 1, seed);
    const Eigen::VectorXd x = SolveCurvature(curvature, b, 1e-8).x;
    EXPECT_GT(x.dot(b), 0) << seed;
    const Eigen::MatrixXd inverse = DenseOf(curvature).inverse_gauss_newton;
    const double length = std::sqrt(x.dot(inverse.ldlt().solve(x)));
    EXPECT_LE(length, std::sqrt(b.dot(inverse * b)) / kLeastCurvature) << seed;
  }
}

TEST_P(CurvatureSolveTest, NothingGivesNothing) {
  const CurvatureSolution solution =
      SolveCurvature(CurvatureAt(1),
                     Eigen::VectorXd::Zero(model_.basis()->theta_size()), 1e-8);
  EXPECT_TRUE(solution.x.isZero(0));
  EXPECT_EQ(solution.least_curvature, 1);
}

// Never a silent zero.
TEST_P(CurvatureSolveTest, WhatIsNotFiniteGivesNan) {
  for (const double bad : {std::numeric_limits<double>::quiet_NaN(),
                           std::numeric_limits<double>::infinity()}) {
    Eigen::VectorXd b = test_util::DrawTheta(*model_.basis(), 1, 1);
    b[3] = bad;
    const CurvatureSolution solution = SolveCurvature(CurvatureAt(1), b, 1e-8);
    EXPECT_TRUE(solution.x.array().isNaN().all()) << bad;
    EXPECT_TRUE(std::isnan(solution.least_curvature)) << bad;
  }
}

}  // namespace
}  // namespace cpab
