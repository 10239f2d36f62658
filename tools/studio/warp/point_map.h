// A map of the plane, whichever model it comes from.
#ifndef TOOLS_STUDIO_WARP_POINT_MAP_H_
#define TOOLS_STUDIO_WARP_POINT_MAP_H_

#include "Eigen/Core"

namespace studio {

// Points are columns, [2, N]. Immutable; safe to use from many threads.
class PointMap {
 public:
  virtual ~PointMap() = default;

  // T(points), [2, N]. A map that moves nothing returns them bit for bit.
  virtual Eigen::Matrix2Xd Apply(const Eigen::Matrix2Xd& points) const = 0;

  // det dT/dx at the points, [N].
  virtual Eigen::VectorXd Determinants(
      const Eigen::Matrix2Xd& points) const = 0;
};

}  // namespace studio

#endif  // TOOLS_STUDIO_WARP_POINT_MAP_H_
