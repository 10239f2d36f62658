#include "cpab/cuda/tridiagonal.h"

#include <vector>

#include "Eigen/Cholesky"
#include "Eigen/Core"
#include "cpab/testing/draws.h"
#include "gtest/gtest.h"

namespace cpab::kernels {
namespace {

struct Tridiagonal {
  Eigen::VectorXd diagonal, beside;  // The last of `beside` says nothing.

  Eigen::MatrixXd Matrix() const {
    Eigen::MatrixXd matrix = diagonal.asDiagonal();
    for (Eigen::Index i = 0; i + 1 < diagonal.size(); ++i) {
      matrix(i, i + 1) = matrix(i + 1, i) = beside[i];
    }
    return matrix;
  }
};

// Eigenvalues between -3 and 3 + `shift`.
Tridiagonal Draw(int size, double shift, uint64_t seed) {
  const Eigen::Matrix2Xd draws = test_util::DrawPoints(size, -1, 1, seed);
  return {draws.row(0).transpose().array() + shift, draws.row(1).transpose()};
}

// A QL step loses a few epsilons of the norm, which is at most 5; the largest
// error seen in these draws is 6e-15.
constexpr double kTolerance = 1e-13;

TEST(Tridiagonal, EigendecompositionGivesTheMatrixBack) {
  for (const int size : {1, 2, 3, 10, 60}) {
    for (uint64_t seed = 0; seed < 20; ++seed) {
      Tridiagonal t = Draw(size, 0, seed);
      // One that splits, and one with equal eigenvalues.
      if (seed == 1) t.beside[size / 2] = 0;
      if (seed == 2) t.diagonal.setOnes(), t.beside.setZero();
      const Eigen::MatrixXd matrix = t.Matrix();
      Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>
          vectors(size, size);
      ASSERT_TRUE(Eigendecompose(t.diagonal.data(), t.beside.data(), size,
                                 vectors.data()));
      const Eigen::MatrixXd back =
          vectors * t.diagonal.asDiagonal() * vectors.transpose();
      EXPECT_LT((back - matrix).cwiseAbs().maxCoeff(), kTolerance);
      EXPECT_TRUE((vectors.transpose() * vectors).isIdentity(kTolerance))
          << size << " " << seed;
    }
  }
}

TEST(Tridiagonal, EigendecompositionOfWhatIsNotANumberFails) {
  Tridiagonal t = Draw(4, 0, 1);
  t.diagonal[2] = std::nan("");
  std::vector<double> vectors(16);
  EXPECT_FALSE(
      Eigendecompose(t.diagonal.data(), t.beside.data(), 4, vectors.data()));
}

TEST(Tridiagonal, PivotsTellWhetherAllEigenvaluesAreAboveABound) {
  int above = 0;
  for (uint64_t seed = 0; seed < 100; ++seed) {
    const Tridiagonal t = Draw(5, 1.5, seed);
    // They are where what is left without the bound is positive definite.
    const Eigen::MatrixXd rest =
        t.Matrix() - 0.02 * Eigen::MatrixXd::Identity(5, 5);
    const bool are_above = rest.llt().info() == Eigen::Success;
    above += are_above;
    EXPECT_EQ(AllEigenvaluesAbove(t.diagonal.data(), t.beside.data(), 5, 0.02),
              are_above);
  }
  EXPECT_GT(above, 10);
  EXPECT_LT(above, 90);
}

// The condition is at most 3.5 / 0.5.
TEST(Tridiagonal, SolvesWhereAllEigenvaluesArePositive) {
  for (const int size : {1, 2, 30}) {
    const Tridiagonal t = Draw(size, 3.5, size);
    std::vector<double> pivots(size);
    Eigen::VectorXd x(size);
    SolveTridiagonal(t.diagonal.data(), t.beside.data(), size, 2.0,
                     pivots.data(), x.data());
    EXPECT_LT((t.Matrix() * x - 2 * Eigen::VectorXd::Unit(size, 0))
                  .cwiseAbs()
                  .maxCoeff(),
              kTolerance);
  }
}

}  // namespace
}  // namespace cpab::kernels
