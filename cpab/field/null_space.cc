#include "cpab/field/null_space.h"

#include "Eigen/Cholesky"
#include "Eigen/OrderingMethods"
#include "Eigen/SparseQR"

namespace cpab {
namespace {

// [unknowns, equations].
SparseMatrix Transposed(const std::vector<Equation>& equations,
                        Eigen::Index unknowns) {
  std::vector<Eigen::Triplet<double>> triplets;
  for (size_t row = 0; row < equations.size(); ++row) {
    for (const auto& [unknown, weight] : equations[row]) {
      triplets.emplace_back(unknown, static_cast<int>(row), weight);
    }
  }
  SparseMatrix matrix(unknowns, static_cast<Eigen::Index>(equations.size()));
  matrix.setFromTriplets(triplets.begin(), triplets.end());
  matrix.makeCompressed();
  return matrix;
}

}  // namespace

// The last columns of Q in C^T = Q R, which are orthogonal to all equations.
// The elimination follows the sparsity, not the values.
Eigen::MatrixXd Solutions(const std::vector<Equation>& equations,
                          Eigen::Index unknowns) {
  if (equations.empty()) return Eigen::MatrixXd::Identity(unknowns, unknowns);
  Eigen::SparseQR<SparseMatrix, Eigen::COLAMDOrdering<int>> qr;
  // Dependent equations leave pivots near 1e-15, independent ones above 1e-3
  // up to 32x32 cells.
  qr.setPivotThreshold(1e-8);
  qr.compute(Transposed(equations, unknowns));
  const Eigen::Index dimension = unknowns - qr.rank();
  if (dimension == 0) return Eigen::MatrixXd(unknowns, 0);
  Eigen::MatrixXd selected = Eigen::MatrixXd::Zero(unknowns, dimension);
  selected.bottomRows(dimension).setIdentity();
  return qr.matrixQ() * selected;
}

// Twice, since once leaves an error of the condition number of `gram` (1e5 at
// 20x20 cells) times epsilon.
Eigen::MatrixXd Orthonormalised(Eigen::MatrixXd z, const SparseMatrix& gram) {
  for (int pass = 0; pass < 2 && z.cols() > 0; ++pass) {
    const Eigen::LLT<Eigen::MatrixXd> cholesky(z.transpose() * (gram * z));
    cholesky.matrixU().solveInPlace<Eigen::OnTheRight>(z);
  }
  return z;
}

}  // namespace cpab
