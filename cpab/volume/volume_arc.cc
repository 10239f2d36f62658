#include "cpab/volume/volume_arc.h"

#include "Eigen/Geometry"

namespace cpab {

OutsideOfCube OutsideAt(const Eigen::Vector3d& x) {
  OutsideOfCube outside;
  for (int a = 0; a < 3; ++a) {
    outside[a] = static_cast<int8_t>(x[a] < 0 ? -1 : x[a] > 1 ? 1 : 0);
  }
  return outside;
}

Eigen::Matrix4d NearestPoint(const OutsideOfCube& outside) {
  Eigen::Matrix4d nearest = Eigen::Matrix4d::Identity();
  for (int a = 0; a < 3; ++a) {
    if (outside[a] == 0) continue;
    nearest(a, a) = 0;
    nearest(a, 3) = outside[a] > 0;
  }
  return nearest;
}

VolumeArc ArcAt(const VolumeBasis& basis, int64_t point,
                const Eigen::Vector3d& x) {
  return {point, basis.FindCell(x), OutsideAt(x), x, 0};
}

AffineVelocity VelocityOfArc(const VolumeCoefficients& cells,
                             const VolumeArc& arc) {
  const Eigen::Map<const AffineVelocity> A(cells.row(arc.cell).data());
  if (IsInside(arc.outside)) return A;
  return A * NearestPoint(arc.outside);
}

}  // namespace cpab
