// Gauss-Newton on the objective E of cpab/fit/fit.h, with Levenberg-Marquardt
// damping and a trust region.
//
// At theta the flow is linear, T(p; theta') = T(p; theta) + J (theta' - theta),
// and the norm tension (rho - rho_0) is replaced by the quadratic of r with
// Hessian H = diag(tension w / rho) that touches it at r. It lies above it,
// because rho is concave in rho^2:
//
//   rho(r') <= rho + (rho(r')^2 - rho^2) / (2 rho).
//
// So each step that lowers the model's sum lowers E. With mu the damping, which
// multiplies the prior's precision by 1 + mu about theta, the model's minimum
// has
//
//   Sigma^-1 ((1 + mu) theta' - mu theta) = J^T H (r + J (theta - theta')),
//
// and by Woodbury's identity
//
//   theta' = c + Sigma J^T alpha,       c = theta mu / (1 + mu),
//   (J Sigma J^T + (1 + mu) H^-1) alpha = r + J (theta - c):
//
// 2 K equations whatever the size of theta. With D = dT/du of
// vertex_jacobian.h, J = D W, so that J Sigma J^T = D (W Sigma W^T) D^T needs
// rows of the vertices' covariance only; and theta = Sigma W^T g with forces g
// at the vertices, whose next value is mu / (1 + mu) g + D^T alpha.
//
// Source: the damping is that of [LM], with the prior as its metric.
// Private to //cpab/fit.
#ifndef CPAB_FIT_GAUSS_NEWTON_H_
#define CPAB_FIT_GAUSS_NEWTON_H_

#include "cpab/fit/fit_problem.h"
#include "cpab/fit/keypoint_objective.h"

namespace cpab {

// `pairs` has at least one pair; all its numbers are finite.
FitResult FitByGaussNewton(const FitModel& model, const FitOptions& options,
                           const WeightedPairs& pairs);

}  // namespace cpab

#endif  // CPAB_FIT_GAUSS_NEWTON_H_
