// Levenberg-Marquardt steps, for the registration of images and of volumes.
//
// Private to //cpab.
// Source: [LM].
#ifndef CPAB_REGISTRATION_LEVENBERG_MARQUARDT_H_
#define CPAB_REGISTRATION_LEVENBERG_MARQUARDT_H_

#include <algorithm>
#include <cmath>
#include <memory>

#include "Eigen/Core"
#include "cpab/registration/normal_equations.h"

namespace cpab {

// Minimises objective.Value(theta) from `theta`, which becomes the minimum;
// true if it converged: if a step lowered the value by less than `tolerance` of
// it, or if no descent was left. objective.Linearise(theta) returns a
// std::unique_ptr<const NormalEquations>. `iterations` is increased by the
// steps, rejected ones included.
template <typename Objective>
bool MinimiseByLevenbergMarquardt(const Objective& objective,
                                  int max_iterations, double tolerance,
                                  Eigen::VectorXd* theta, int* iterations) {
  double value = objective.Value(*theta);
  double damping = 1e-3;
  std::unique_ptr<const NormalEquations> equations;
  bool stale = true;
  for (int step = 0; step < max_iterations; ++step) {
    if (stale) equations = objective.Linearise(*theta);
    const Eigen::VectorXd next = *theta - equations->Solve(damping);
    // No descent is left to rounding, if there are values at all.
    if (next == *theta) return std::isfinite(value);
    ++*iterations;
    const double next_value = objective.Value(next);
    // NaN, from a path that diverged, is no progress.
    stale = next_value < value;
    if (!stale) {
      damping *= 8;
      if (damping > 1e8) return std::isfinite(value) && next_value >= value;
      continue;
    }
    const bool last = value - next_value < tolerance * value;
    *theta = next;
    value = next_value;
    damping = std::max(damping / 4, 1e-9);
    if (last) return true;
  }
  return false;
}

}  // namespace cpab

#endif  // CPAB_REGISTRATION_LEVENBERG_MARQUARDT_H_
