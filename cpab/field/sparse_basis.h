// Orthonormal bases of the solutions of sparse linear equations, stored
// sparsely: memory and time by unknowns, not by their square.
//
// With Z a sparse basis of the solutions and P Z^T gram Z P^T = L L^T the
// Cholesky factors of its Gram matrix, in an order P that keeps L sparse,
//
//   W = Z P^T L^-T
//
// has orthonormal columns, as in cpab/field/null_space.h, but W is dense: it is
// applied, as two sparse solves, and never formed. Columns are other ones than
// those of the dense basis; they span the same.
//
// Private to //cpab.
#ifndef CPAB_FIELD_SPARSE_BASIS_H_
#define CPAB_FIELD_SPARSE_BASIS_H_

#include <vector>

#include "Eigen/Core"
#include "Eigen/SparseCholesky"
#include "Eigen/SparseCore"
#include "cpab/field/null_space.h"

namespace cpab {

// [unknowns, dimension]: columns that span { u : all equations hold }, sparse
// if the equations couple near unknowns. By elimination: each equation gives
// one unknown in terms of the others, preferably a late one.
SparseMatrix SparseSolutions(const std::vector<Equation>& equations,
                             Eigen::Index unknowns);

// Immutable; safe to use from many threads.
class SparseBasis {
 public:
  // z: Z, [unknowns, d], of full column rank; gram: [unknowns, unknowns],
  // positive definite on its span.
  SparseBasis(const SparseMatrix& z, const SparseMatrix& gram);

  Eigen::Index rows() const { return z_.rows(); }
  Eigen::Index cols() const { return z_.cols(); }
  // Numbers stored: of Z and L.
  Eigen::Index num_stored() const;

  // W theta, and W^T dual.
  Eigen::VectorXd Times(const Eigen::Ref<const Eigen::VectorXd>& theta) const;
  Eigen::VectorXd TransposeTimes(
      const Eigen::Ref<const Eigen::VectorXd>& dual) const;

  // Z, and theta in terms of its columns: W theta = Z z, with z = P^T L^-T
  // theta.
  const SparseMatrix& free_basis() const { return z_; }
  Eigen::VectorXd FreeFromTheta(
      const Eigen::Ref<const Eigen::VectorXd>& theta) const;
  Eigen::VectorXd ThetaFromFree(
      const Eigen::Ref<const Eigen::VectorXd>& z) const;
  Eigen::MatrixXd ThetasFromFree(
      const Eigen::Ref<const Eigen::MatrixXd>& z) const;
  // How a linear function of theta, given by its coefficients, depends on z,
  // and back: the transposes of ThetaFromFree and FreeFromTheta.
  Eigen::MatrixXd FreeDualFromTheta(
      const Eigen::Ref<const Eigen::MatrixXd>& dual) const;
  Eigen::MatrixXd ThetaDualFromFree(
      const Eigen::Ref<const Eigen::MatrixXd>& dual) const;
  // log det (Z^T gram Z).
  double LogDeterminant() const;

 private:
  SparseMatrix z_;
  Eigen::SimplicialLLT<SparseMatrix> gram_;  // Of Z^T gram Z.
};

}  // namespace cpab

#endif  // CPAB_FIELD_SPARSE_BASIS_H_
