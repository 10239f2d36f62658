// Orthonormal bases of the solutions of sparse linear equations, in an inner
// product of choice: what the bases of velocity fields are made with.
//
// Private to //cpab.
#ifndef CPAB_NULL_SPACE_H_
#define CPAB_NULL_SPACE_H_

#include <utility>
#include <vector>

#include "Eigen/Core"
#include "Eigen/SparseCore"

namespace cpab {

using SparseMatrix = Eigen::SparseMatrix<double>;

// One equation: sum over (unknown, weight) of weight * unknown = 0. Weights are
// of order one.
using Equation = std::vector<std::pair<int, double>>;

// [unknowns, dimension]: Z L^-T, where Z spans { u : all equations hold } and
// L L^T = Z^T gram Z, so that the columns are orthonormal in the inner product
// `gram` [unknowns, unknowns], positive definite. The same for the same
// arguments up to rounding: no order of elimination depends on it.
Eigen::MatrixXd OrthonormalSolutions(const std::vector<Equation>& equations,
                                     const SparseMatrix& gram);

}  // namespace cpab

#endif  // CPAB_NULL_SPACE_H_
