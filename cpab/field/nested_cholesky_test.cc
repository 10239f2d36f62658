#include "cpab/field/nested_cholesky.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <random>
#include <vector>

#include "Eigen/Cholesky"
#include "gtest/gtest.h"

namespace cpab {
namespace {

// A matrix that couples unknowns up to two apart in an n x n x n grid, of
// `copies` unknowns at each place that are not coupled to each other, numbered
// at random.
struct Grid {
  Grid(int n, int copies, uint64_t seed) {
    const int size = copies * n * n * n;
    std::mt19937_64 generator(seed);
    std::vector<int> number(size);
    for (int i = 0; i < size; ++i) number[i] = i;
    std::shuffle(number.begin(), number.end(), generator);
    places.resize(3, size);
    std::vector<Eigen::Triplet<double>> triplets;
    const auto place = [n](int v) {
      return Eigen::Vector3i(v % n, v / n % n, v / (n * n));
    };
    std::uniform_real_distribution<double> uniform(-1, 1);
    for (int v = 0; v < size; ++v) {
      places.col(number[v]) = place(v / copies).cast<double>();
      triplets.emplace_back(number[v], number[v], 125 + uniform(generator));
      for (int w = v + copies; w < size; w += copies) {
        const Eigen::Vector3i apart =
            (place(v / copies) - place(w / copies)).cwiseAbs();
        if (apart.maxCoeff() > 2) continue;
        const double value = uniform(generator);
        triplets.emplace_back(number[v], number[w], value);
        triplets.emplace_back(number[w], number[v], value);
      }
    }
    matrix.resize(size, size);
    matrix.setFromTriplets(triplets.begin(), triplets.end());
  }

  SparseMatrix matrix;
  Eigen::MatrixXd places;
};

TEST(NestedCholesky, SolvesAsADenseFactor) {
  for (const int n : {1, 2, 6, 8}) {
    for (const int copies : {1, 2}) {
      const Grid grid(n, copies, 1);
      const NestedCholesky factor(grid.matrix, grid.places);
      const Eigen::MatrixXd dense = grid.matrix;
      const Eigen::LLT<Eigen::MatrixXd> expected(dense);
      ASSERT_EQ(factor.size(), dense.cols());
      std::srand(1);
      const Eigen::MatrixXd b = Eigen::MatrixXd::Random(dense.cols(), 3);
      const Eigen::MatrixXd x = expected.solve(b);
      // Eigenvalues are of one order.
      EXPECT_LT((factor.Solve(b) - x).cwiseAbs().maxCoeff(), 1e-14) << n;
      const Eigen::MatrixXd L = expected.matrixL();
      const double log_determinant = 2 * L.diagonal().array().log().sum();
      EXPECT_NEAR(2 * factor.Diagonal().array().log().sum(), log_determinant,
                  1e-13 * log_determinant);
    }
  }
}

// A separator may be empty, and yet have many later unknowns: here that of two
// groups that are coupled to a third one alone.
TEST(NestedCholesky, GroupsMayBeCoupledThroughLaterUnknownsAlone) {
  constexpr int kGroup = 80;
  const auto group = [](int v) { return 2 * v / kGroup; };  // 0, 1, and more.
  std::vector<Eigen::Triplet<double>> triplets;
  Eigen::MatrixXd places(1, 2 * kGroup);
  for (int v = 0; v < 2 * kGroup; ++v) {
    places(0, v) = v;
    for (int w = 0; w < 2 * kGroup; ++w) {
      const bool apart = std::min(group(v), group(w)) == 0 &&
                         std::max(group(v), group(w)) == 1;
      if (!apart) triplets.emplace_back(v, w, v == w ? 200 : 1);
    }
  }
  SparseMatrix matrix(2 * kGroup, 2 * kGroup);
  matrix.setFromTriplets(triplets.begin(), triplets.end());
  std::srand(1);
  const Eigen::VectorXd b = Eigen::VectorXd::Random(2 * kGroup);
  const Eigen::VectorXd x = Eigen::MatrixXd(matrix).llt().solve(b);
  EXPECT_LT((NestedCholesky(matrix, places).Solve(b) - x).norm(), 1e-15);
}

// The columns of P^T L^-T, C, have C C^T = A^-1.
TEST(NestedCholesky, ColoursWhiteNoise) {
  const Grid grid(5, 2, 2);
  const NestedCholesky factor(grid.matrix, grid.places);
  const Eigen::Index size = factor.size();
  Eigen::MatrixXd colours(size, size);
  for (Eigen::Index i = 0; i < size; ++i) {
    colours.col(i) = factor.Colour(Eigen::VectorXd::Unit(size, i));
  }
  const Eigen::MatrixXd product = colours * colours.transpose() * grid.matrix;
  EXPECT_LT((product - Eigen::MatrixXd::Identity(size, size)).norm(), 1e-12);
}

// Coincident places give one front, and the right answer.
TEST(NestedCholesky, PlacesDoNotChangeTheSolution) {
  const Grid grid(6, 1, 3);
  std::srand(1);
  const Eigen::VectorXd b = Eigen::VectorXd::Random(grid.matrix.cols());
  const Eigen::VectorXd x = NestedCholesky(grid.matrix, grid.places).Solve(b);
  const Eigen::MatrixXd nowhere = Eigen::MatrixXd::Zero(3, b.size());
  EXPECT_LT((NestedCholesky(grid.matrix, nowhere).Solve(b) - x).norm(), 1e-14);
}

// A front that has no factor leaves its mark on all that depends on it.
TEST(NestedCholesky, IsNaNOfAnIndefiniteMatrix) {
  Grid grid(6, 1, 5);
  grid.matrix.coeffRef(0, 0) = -1;
  const NestedCholesky factor(grid.matrix, grid.places);
  EXPECT_TRUE(std::isnan(factor.Diagonal()[0]));
  EXPECT_TRUE(
      factor.Solve(Eigen::VectorXd::Ones(factor.size())).array().isNaN().all());
}

// The order keeps the factor sparse: dense it would have (12^3)^2 / 2 numbers.
TEST(NestedCholesky, StoresLittle) {
  const Grid grid(12, 1, 4);
  const NestedCholesky factor(grid.matrix, grid.places);
  EXPECT_LT(factor.num_stored(), std::pow(12, 6) / 2);
}

}  // namespace
}  // namespace cpab
