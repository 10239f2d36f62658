// Gauss-Newton on the objective of keypoint inference, with Levenberg-Marquardt
// damping and a trust region. See cpab/fit/fit.h for the objective and
// cpab/README.md for the derivation.
//
// Private to //cpab.
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
