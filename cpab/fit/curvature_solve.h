// Linear systems with the Hessian of keypoint inference's objective, whose
// solution stays bounded where that Hessian is near singular or indefinite.
//
// Let A = G^-1 (Hess E), with G the Gauss-Newton Hessian: self-adjoint in the
// inner product (u, v) = u^T G v, and near the identity where the flow's
// curvature plays no part. For A = sum_i tau_i v_i (v_i, .) the solution of
// (Hess E) x = b is sum_i v_i (v_i^T b) / tau_i. Here
//
//   x = sum_i v_i (v_i^T b) / max(|tau_i|, least),
//
// with `least` = kLeastCurvature (cpab/fit/solver_constants.h): the same
// wherever all tau_i >= least. Always x^T b > 0 for b != 0, and |x|_G <= |G^-1
// b|_G / least.
//
// Private to //cpab.
#ifndef CPAB_FIT_CURVATURE_SOLVE_H_
#define CPAB_FIT_CURVATURE_SOLVE_H_

#include "Eigen/Core"
#include "cpab/fit/objective_curvature.h"

namespace cpab {

struct CurvatureSolution {
  Eigen::VectorXd x;
  // The least tau_i among the directions that b excites; 1 if b is 0. NaN, as
  // x, if b is not finite.
  double least_curvature = 1;
};

// Ends when the residual, in the norm of G^-1, is below `tolerance` times b's.
// Below kCentralBelow products with C are by central differences.
CurvatureSolution SolveCurvature(const ObjectiveCurvature& curvature,
                                 const Eigen::VectorXd& b, double tolerance);

}  // namespace cpab

#endif  // CPAB_FIT_CURVATURE_SOLVE_H_
