// When a point of a picture that was moved counts as arrived.
#ifndef TOOLS_ARRIVAL_H_
#define TOOLS_ARRIVAL_H_

#include <algorithm>

#include "Eigen/Core"

namespace tools {

// Whether a point that is `off` from where it was to go is within a pixel, or a
// hundredth of the longer side. `off` and `last_pixel`, the picture's bottom
// right one, are (x, y) in pixels.
inline bool HasArrived(const Eigen::Vector2d& off,
                       const Eigen::Vector2d& last_pixel) {
  return off.norm() <= std::max(1.0, last_pixel.maxCoeff() / 100);
}

}  // namespace tools

#endif  // TOOLS_ARRIVAL_H_
