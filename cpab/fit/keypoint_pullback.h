// The gradient of keypoint inference with respect to its pairs, by the implicit
// function theorem. At the minimum
//
//   grad E = Sigma^-1 theta - J(theta, p)^T f(r) = 0,   r = q - T(p; theta).
//
// Differentiated, with df = H dr and dr = dq - J dtheta - (dT/dp) dp,
//
//   (Hess E) dtheta = J^T H dq + (d(J^T f)/dp - J^T H dT/dp) dp,
//
// d(J^T f)/dp at fixed f. With lambda solving (Hess E) lambda = dL/dtheta, and
// lambda^T d(J^T f)/dp = d/ds f^T dT/dp (theta + s lambda),
//
//   dL/dq = H J lambda,
//   dL/dp = d/ds [(dT/dp)^T f](theta + s lambda) - (dT/dp)^T H J lambda,
//
// in the notation of cpab/fit/keypoint_curvature.h; and with respect to the
// tension t, since f is proportional to it,
//
//   dL/dt = lambda^T Sigma^-1 theta / t.
//
// Private to //cpab/fit: called through KeypointFitter::Pullback in
// cpab/fit/fit.h.
#ifndef CPAB_FIT_KEYPOINT_PULLBACK_H_
#define CPAB_FIT_KEYPOINT_PULLBACK_H_

#include "Eigen/Core"
#include "cpab/fit/fit_problem.h"
#include "cpab/fit/keypoint_minimum.h"
#include "cpab/fit/keypoint_objective.h"

namespace cpab {

// One column of either gradient for each of `pairs`, which has at least one.
// `minima` is FindMinima(pairs), `dl_dtheta` the gradient at its last stage.
PairsGradient PullbackToPairs(const FitModel& model, const FitOptions& options,
                              const WeightedPairs& pairs,
                              const MinimaOfFit& minima,
                              const Eigen::VectorXd& dl_dtheta);

}  // namespace cpab

#endif  // CPAB_FIT_KEYPOINT_PULLBACK_H_
