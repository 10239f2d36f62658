// The Gauss-Newton system of registration over a basis that is stored sparsely,
// solved without a matrix of theta's size.
//
// A pixel's or voxel's value depends on the velocities u at the few vertices
// that its path passes between, by a row of the sparse matrix J. With the data
// term's derivatives by the values, g and the diagonal c >= 0, u = W theta in
// every stage, and the prior's precision P (the mean over the stages),
//
//   gradient = weight W^T J^T g + P theta,
//   Hessian  = weight W^T J^T diag(c) J W + P.
//
// Both are sparse in terms of z, the columns of the basis' Z, but for the
// prior's affine fields, which are few: the system is factorised by nested
// dissection (cpab/field/nested_cholesky.h) and corrected for those by
// Woodbury's identity. The damping is that share of the diagonal of what is
// factorised. Memory and time are those of the factor, by the number of cells.
//
// Private to //cpab.
#ifndef CPAB_REGISTRATION_SPARSE_NORMAL_EQUATIONS_H_
#define CPAB_REGISTRATION_SPARSE_NORMAL_EQUATIONS_H_

#include <algorithm>
#include <memory>
#include <vector>

#include "Eigen/Core"
#include "Eigen/SparseCore"
#include "cpab/field/parallel.h"
#include "cpab/field/sparse_basis.h"
#include "cpab/field/sparse_prior.h"
#include "cpab/registration/normal_equations.h"

namespace cpab {

// How some of the values depend on the velocities, and the data term on them.
struct ValueSlopes {
  // Rows of J, [values, stages * unknowns].
  Eigen::SparseMatrix<double, Eigen::RowMajor> rows;
  Eigen::VectorXd gradient;   // g
  Eigen::VectorXd curvature;  // c
};

// Adds row `row` of `rows`, which has all before it. Each slope has the members
// `unknown`, the first of consecutive ones, none twice, and `value`, a row
// vector.
template <typename Slope>
void AppendRow(Eigen::Index row, std::vector<Slope> slopes,
               Eigen::SparseMatrix<double, Eigen::RowMajor>* rows) {
  std::sort(slopes.begin(), slopes.end(), [](const Slope& a, const Slope& b) {
    return a.unknown < b.unknown;
  });
  rows->startVec(row);
  for (const Slope& slope : slopes) {
    for (Eigen::Index a = 0; a < slope.value.size(); ++a) {
      rows->insertBack(row, slope.unknown + a) = slope.value[a];
    }
  }
}

class SparseNormalEquations : public NormalEquations {
 public:
  // theta: [stages * d]. `parts` are summed in their order, so that the result
  // is the same on any number of threads.
  SparseNormalEquations(std::shared_ptr<const SparsePrior> prior,
                        int num_stages, double weight,
                        const std::vector<ValueSlopes>& parts,
                        const Eigen::VectorXd& theta,
                        const ParallelFor& parallel_for);

  const Eigen::VectorXd& gradient() const { return gradient_; }
  Eigen::VectorXd Solve(double damping) const override;

 private:
  std::shared_ptr<const SparsePrior> prior_;
  int num_stages_;
  SparseMatrix data_;              // Of the Hessian, by z of all stages.
  Eigen::VectorXd free_gradient_;  // By z.
  Eigen::VectorXd gradient_;       // By theta.
};

}  // namespace cpab

#endif  // CPAB_REGISTRATION_SPARSE_NORMAL_EQUATIONS_H_
