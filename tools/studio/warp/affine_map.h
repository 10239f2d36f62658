// Affine maps from keypoint pairs, in closed form.
#ifndef TOOLS_STUDIO_WARP_AFFINE_MAP_H_
#define TOOLS_STUDIO_WARP_AFFINE_MAP_H_

#include "Eigen/Core"
#include "tools/studio/warp/point_map.h"

namespace studio {

// T(x) = x + translation + gradient (x - centre): the displacement is kept, so
// that a map that moves nothing is exact.
class AffineMap final : public PointMap {
 public:
  AffineMap() = default;  // the identity

  // The map that minimises sum_k |to_k - T(from_k)|^2. Where the pairs leave it
  // open (fewer than three, or on one line), the one of least |gradient|: a
  // translation for one pair. `from` and `to` have as many columns.
  static AffineMap Fit(const Eigen::Matrix2Xd& from,
                       const Eigen::Matrix2Xd& to);

  // The inverse; its values are not finite if this map is singular.
  AffineMap Inverse() const;

  Eigen::Matrix2Xd Apply(const Eigen::Matrix2Xd& points) const override;
  Eigen::VectorXd Determinants(const Eigen::Matrix2Xd& points) const override;

  // dT/dx - 1.
  const Eigen::Matrix2d& gradient() const { return gradient_; }

 private:
  Eigen::Vector2d centre_ = Eigen::Vector2d::Zero();
  Eigen::Vector2d translation_ = Eigen::Vector2d::Zero();
  Eigen::Matrix2d gradient_ = Eigen::Matrix2d::Zero();
};

}  // namespace studio

#endif  // TOOLS_STUDIO_WARP_AFFINE_MAP_H_
