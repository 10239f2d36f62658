// The minimum of keypoint inference's objective that a fit is near, to
// rounding.
//
// Gauss-Newton (cpab/fit/gauss_newton.h) stops at FitOptions::tolerance and
// converges linearly where the flow's curvature takes part. Here Newton's
// method with the exact Hessian goes on from there, as a rule two to five
// steps.
//
// Private to //cpab/fit: behind KeypointFitter::Minimum and Pullback in
// cpab/fit/fit.h.
#ifndef CPAB_FIT_KEYPOINT_MINIMUM_H_
#define CPAB_FIT_KEYPOINT_MINIMUM_H_

#include <vector>

#include "Eigen/Core"
#include "cpab/fit/fit_problem.h"
#include "cpab/fit/keypoint_objective.h"

namespace cpab {

// A minimum of E at one tension.
struct KeypointMinimum {
  double tension;
  Eigen::VectorXd theta;
};

// The minima by which a fit is defined: the first at the tension of the
// options; each other one at the tension to which LoweredTension() takes that
// of the one before, whose velocity gradient is above FitOptions::max_gradient.
struct MinimaOfFit {
  std::vector<KeypointMinimum> stages;  // At least one.
  int iterations = 0;                   // Newton steps.
  // All stages are minima to rounding, and the last is within max_gradient.
  bool converged = false;
};

// `pairs` has at least one pair; all its numbers and `result` are finite.
MinimaOfFit FindMinima(const FitModel& model, const FitOptions& options,
                       const WeightedPairs& pairs, const FitResult& result);

}  // namespace cpab

#endif  // CPAB_FIT_KEYPOINT_MINIMUM_H_
