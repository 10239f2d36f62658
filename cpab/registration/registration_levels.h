// What the registrations of images and of volumes share of their options and
// levels.
//
// Private to //cpab.
#ifndef CPAB_REGISTRATION_REGISTRATION_LEVELS_H_
#define CPAB_REGISTRATION_REGISTRATION_LEVELS_H_

#include <cmath>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace cpab {

// InvalidArgument naming the first of the options that both have which is out
// of its range; the first level has at least `smallest_side` pixels or voxels.
template <typename Options>
absl::Status CheckLevels(const Options& options, int smallest_side) {
  constexpr int kMaxStages = 16;
  const auto refused = [](const char* name, auto value, const auto&... wanted) {
    return absl::InvalidArgumentError(absl::StrCat(
        "registration.", name, " is ", value, "; use ", wanted...));
  };
  if (options.num_stages < 1 || options.num_stages > kMaxStages) {
    return refused("num_stages", options.num_stages, "1 to ", kMaxStages);
  }
  if (options.largest_side < smallest_side) {
    return refused("largest_side", options.largest_side, "at least ",
                   smallest_side);
  }
  if (!(options.noise > 0) || !std::isfinite(options.noise)) {
    return refused("noise", options.noise, "above 0");
  }
  if (!(options.tolerance >= 0 && options.tolerance < 1)) {
    return refused("tolerance", options.tolerance, "at least 0 and below 1");
  }
  if (options.max_iterations < 1) {
    return refused("max_iterations", options.max_iterations, "at least 1");
  }
  return absl::OkStatus();
}

// How often `side` is halved until it would be less than `smallest_side`.
inline int NumHalvings(int side, int smallest_side) {
  int halvings = 0;
  while (side >= 2 * smallest_side) side /= 2, ++halvings;
  return halvings;
}

}  // namespace cpab

#endif  // CPAB_REGISTRATION_REGISTRATION_LEVELS_H_
