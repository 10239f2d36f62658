// A step from 0 to 1 without corners.
#ifndef PIPELINES_BASE_SMOOTH_STEP_H_
#define PIPELINES_BASE_SMOOTH_STEP_H_

#include <algorithm>
#include <type_traits>

namespace pipelines {

// 3 t^2 - 2 t^3 with t = (x - low) / (high - low): 0 up to `low`, 1 from `high`
// on, and without a slope at both. low < high. Computed in `Real`.
template <typename Real = double>
Real SmoothStep(std::common_type_t<Real> low, std::common_type_t<Real> high,
                std::common_type_t<Real> x) {
  const Real t = std::clamp((x - low) / (high - low), Real{0}, Real{1});
  return t * t * (3 - 2 * t);
}

}  // namespace pipelines

#endif  // PIPELINES_BASE_SMOOTH_STEP_H_
