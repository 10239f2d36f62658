// The paper's solver of keypoint inference: a fixed number of Adam steps on the
// norm of the residuals, without a prior. For comparison.
//
// Source: [CPABMM] Sec. 3.2, Eq. (6), by [Adam] Alg. 1.
// Private to //cpab/fit: chosen by FitOptions::Solver::kAdam in cpab/fit/fit.h.
#ifndef CPAB_FIT_ADAM_FIT_H_
#define CPAB_FIT_ADAM_FIT_H_

#include "cpab/field/basis.h"
#include "cpab/fit/fit_problem.h"
#include "cpab/fit/keypoint_objective.h"

namespace cpab {

// `pairs` has at least one pair; all its numbers are finite.
FitResult FitByAdam(const std::shared_ptr<const Basis>& basis,
                    const FitOptions& options, const WeightedPairs& pairs);

}  // namespace cpab

#endif  // CPAB_FIT_ADAM_FIT_H_
