#include "cpab/field/null_space.h"

#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

#include "Eigen/Core"
#include "Eigen/QR"
#include "Eigen/SparseCore"
#include "gtest/gtest.h"

namespace cpab {
namespace {

// Each of `count` equations between three of the unknowns, with weights in
// [-1, 1].
std::vector<Equation> DrawEquations(int count, int unknowns, uint64_t seed) {
  std::mt19937_64 generator(seed);
  std::uniform_int_distribution<int> unknown(0, unknowns - 1);
  std::uniform_real_distribution<double> weight(-1, 1);
  std::vector<Equation> equations(count);
  for (Equation& equation : equations) {
    for (int i = 0; i < 3; ++i) {
      equation.emplace_back(unknown(generator), weight(generator));
    }
  }
  return equations;
}

Eigen::MatrixXd MatrixOf(const std::vector<Equation>& equations, int unknowns) {
  Eigen::MatrixXd matrix = Eigen::MatrixXd::Zero(
      static_cast<Eigen::Index>(equations.size()), unknowns);
  for (size_t e = 0; e < equations.size(); ++e) {
    for (const auto& [unknown, weight] : equations[e]) {
      matrix(static_cast<Eigen::Index>(e), unknown) += weight;
    }
  }
  return matrix;
}

// Sums of three products of numbers up to 1, through a factorisation in twenty
// unknowns: some epsilon.
constexpr double kTolerance = 1e-13;

TEST(Solutions, MeetEveryEquationAndAreOrthonormal) {
  constexpr int kUnknowns = 20;
  for (int count = 1; count < kUnknowns; count += 3) {
    const auto equations = DrawEquations(count, kUnknowns, count);
    const Eigen::MatrixXd z = Solutions(equations, kUnknowns);
    const Eigen::MatrixXd matrix = MatrixOf(equations, kUnknowns);
    EXPECT_EQ(z.cols(), kUnknowns - matrix.fullPivHouseholderQr().rank());
    EXPECT_LT((matrix * z).cwiseAbs().maxCoeff(), kTolerance) << count;
    EXPECT_LT(
        (z.transpose() * z - Eigen::MatrixXd::Identity(z.cols(), z.cols()))
            .cwiseAbs()
            .maxCoeff(),
        kTolerance)
        << count;
  }
}

TEST(Solutions, DoNotFeelEquationsThatFollowFromOthers) {
  constexpr int kUnknowns = 12;
  std::vector<Equation> equations = DrawEquations(5, kUnknowns, 1);
  const Eigen::MatrixXd z = Solutions(equations, kUnknowns);
  Equation sum = equations[0];
  sum.insert(sum.end(), equations[3].begin(), equations[3].end());
  equations.push_back(sum);
  equations.push_back(equations[1]);
  const Eigen::MatrixXd same = Solutions(equations, kUnknowns);
  ASSERT_EQ(same.cols(), z.cols());
  // The same span.
  EXPECT_LT((same - z * (z.transpose() * same)).norm(), kTolerance);
}

TEST(Solutions, AreAllUnknownsOfNoEquationAndNoneOfAsManyAsThere) {
  EXPECT_EQ(Solutions({}, 4), Eigen::MatrixXd::Identity(4, 4));
  const std::vector<Equation> all = {
      {{0, 1.0}}, {{1, 1.0}, {0, 0.5}}, {{2, -1.0}, {1, 0.3}}};
  EXPECT_EQ(Solutions(all, 3).rows(), 3);
  EXPECT_EQ(Solutions(all, 3).cols(), 0);
  SparseMatrix gram(3, 3);
  gram.setIdentity();
  EXPECT_EQ(OrthonormalSolutions(all, gram).cols(), 0);
}

// In the inner product of a matrix with condition 1e5, as that of fields.
TEST(OrthonormalSolutions, AreOrthonormalInTheirInnerProduct) {
  constexpr int kUnknowns = 20;
  SparseMatrix gram(kUnknowns, kUnknowns);
  for (int i = 0; i < kUnknowns; ++i) {
    gram.insert(i, i) = std::pow(10, -5.0 * i / kUnknowns);
  }
  const auto equations = DrawEquations(7, kUnknowns, 2);
  const Eigen::MatrixXd z = OrthonormalSolutions(equations, gram);
  ASSERT_GE(z.cols(), 13);
  EXPECT_LT((z.transpose() * (gram * z) -
             Eigen::MatrixXd::Identity(z.cols(), z.cols()))
                .cwiseAbs()
                .maxCoeff(),
            kTolerance);
  EXPECT_LT((MatrixOf(equations, kUnknowns) * z).cwiseAbs().maxCoeff(),
            kTolerance * z.cwiseAbs().maxCoeff());
}

}  // namespace
}  // namespace cpab
