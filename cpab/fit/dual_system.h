// The system of a Gauss-Newton step of keypoint inference, two equations a
// pair:
//
//   (D C D^T + diag(compliance)) alpha = b,
//
// with D = dT/du at the pairs and C = W Sigma W^T, so that D C D^T is
// J Sigma J^T: see cpab/fit/gauss_newton.h. Fits of many pairs spend half of
// their time here, so that both D C D^T and Cholesky's factorisation go by
// packs of four columns, where Eigen's took three times as long at 100
// equations.
//
// Private to //cpab/fit.
#ifndef CPAB_FIT_DUAL_SYSTEM_H_
#define CPAB_FIT_DUAL_SYSTEM_H_

#include "Eigen/Core"
#include "cpab/field/basis.h"
#include "cpab/flow/vertex_jacobian.h"

namespace cpab {

class DualSystem {
 public:
  // `jacobian` is D, of at least one point; `covariance` is C, symmetric,
  // [2 vertices, 2 vertices].
  DualSystem(const VertexJacobian& jacobian, const RowMajorMatrix& covariance);

  // `compliance` has one number above 0 for both equations of each pair.
  void Factor(const Eigen::RowVectorXd& compliance);

  // Puts alpha in the place of b, [2 K], after Factor(). Where rounding leaves
  // an equation dependent on those above, as for equal pairs of almost no
  // compliance, its unknown is 0.
  void SolveInPlace(Eigen::Ref<Eigen::VectorXd> b) const;

 private:
  // [N, N], N being 2 K and up to two more rows that make it a multiple of
  // four. Of both only the upper triangle counts.
  RowMajorMatrix gram_;    // D C D^T; in the added rows and columns 0.
  RowMajorMatrix factor_;  // U of U^T U, but on the diagonal 1 / U_ii.
};

}  // namespace cpab

#endif  // CPAB_FIT_DUAL_SYSTEM_H_
