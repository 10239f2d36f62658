// The gradient of keypoint inference with respect to its pairs, by the implicit
// function theorem. Derived in cpab/README.md, "Keypoint inference".
//
// Private to //cpab: called through KeypointFitter::Pullback in cpab/fit.h.
#ifndef CPAB_KEYPOINT_PULLBACK_H_
#define CPAB_KEYPOINT_PULLBACK_H_

#include "Eigen/Core"
#include "cpab/fit_problem.h"
#include "cpab/keypoint_objective.h"

namespace cpab {

// One column of either gradient for each of `pairs`.
PairsGradient PullbackToPairs(const FitModel& model, const FitOptions& options,
                              const WeightedPairs& pairs,
                              const FitResult& result,
                              const Eigen::VectorXd& dl_dtheta);

}  // namespace cpab

#endif  // CPAB_KEYPOINT_PULLBACK_H_
