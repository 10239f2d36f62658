// Orthonormal bases of the solutions of sparse linear equations, in an inner
// product of choice: what the bases of velocity fields are made with.
//
// Private to //cpab.
#ifndef CPAB_FIELD_NULL_SPACE_H_
#define CPAB_FIELD_NULL_SPACE_H_

#include <utility>
#include <vector>

#include "Eigen/Core"
#include "Eigen/SparseCore"

namespace cpab {

using SparseMatrix = Eigen::SparseMatrix<double>;

// One equation: sum over (unknown, weight) of weight * unknown = 0. Weights are
// of order one.
using Equation = std::vector<std::pair<int, double>>;

// [unknowns, dimension]: columns that span { u : all equations hold }. The same
// for the same arguments up to rounding: no order of elimination depends on it.
Eigen::MatrixXd Solutions(const std::vector<Equation>& equations,
                          Eigen::Index unknowns);

// Z L^-T, where L L^T = Z^T gram Z, so that the columns are orthonormal in the
// inner product `gram` [unknowns, unknowns], positive definite on the span of
// Z's columns.
Eigen::MatrixXd Orthonormalised(Eigen::MatrixXd z, const SparseMatrix& gram);

inline Eigen::MatrixXd OrthonormalSolutions(
    const std::vector<Equation>& equations, const SparseMatrix& gram) {
  return Orthonormalised(Solutions(equations, gram.rows()), gram);
}

}  // namespace cpab

#endif  // CPAB_FIELD_NULL_SPACE_H_
