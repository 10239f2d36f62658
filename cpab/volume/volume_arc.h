// Parts of paths through the tetrahedra of a cube, and through the space around
// it, where the velocity is that of the nearest point of the cube.
//
// Private to //cpab/volume.
#ifndef CPAB_VOLUME_VOLUME_ARC_H_
#define CPAB_VOLUME_VOLUME_ARC_H_

#include <array>
#include <cstdint>

#include "Eigen/Core"
#include "cpab/volume/volume_basis.h"

namespace cpab {

// How the nearest point of the cube depends on x, coordinate by coordinate: -1
// where it is 0, 1 where it is 1, 0 where it is that of x.
using OutsideOfCube = std::array<int8_t, 3>;

// A part of a path in which the velocity is one affine map: that of the cell,
// at the nearest point of the cube.
struct VolumeArc {
  int64_t point;
  int cell;
  OutsideOfCube outside;
  Eigen::Vector3d start;
  double duration;
};

OutsideOfCube OutsideAt(const Eigen::Vector3d& x);
inline bool IsInside(const OutsideOfCube& outside) {
  return outside[0] == 0 && outside[1] == 0 && outside[2] == 0;
}

// How the nearest point of the cube depends on x, in homogeneous coordinates.
Eigen::Matrix4d NearestPoint(const OutsideOfCube& outside);

// The arc that begins at x, without its duration.
VolumeArc ArcAt(const VolumeBasis& basis, int64_t point,
                const Eigen::Vector3d& x);

// The affine map in the part of space that an arc is in.
AffineVelocity VelocityOfArc(const VolumeCoefficients& cells,
                             const VolumeArc& arc);

}  // namespace cpab

#endif  // CPAB_VOLUME_VOLUME_ARC_H_
