// Volumes of numbers on a grid, sampled between the voxels.
//
// Coordinates: 0 and 1 are the centres of the first and the last voxel along
// each axis, those of the whole volume where it is reduced.
#ifndef CPAB_REGISTRATION_SAMPLED_VOLUME_H_
#define CPAB_REGISTRATION_SAMPLED_VOLUME_H_

#include <array>
#include <cstdint>
#include <vector>

#include "Eigen/Core"
#include "cpab/registration/sampled_axis.h"

namespace cpab {

// Voxel (i, j, k), along x, y and z, is values[i + nx (j + ny k)].
struct SampledVolume {
  std::array<int64_t, 3> size = {};  // nx, ny, nz
  std::vector<float> values;
  // Of the volume that it was reduced from; 0 if of none.
  std::array<int64_t, 3> whole = {};

  int64_t NumVoxels() const { return size[0] * size[1] * size[2]; }
  SampledAxis Axis(int a) const {
    return {whole[a] > 0 ? whole[a] : size[a], size[a]};
  }
};

// Reduced so that the longest side has `side` voxels, each the mean of those
// that it replaces; as it is if it has no more.
SampledVolume Reduced(const SampledVolume& volume, int64_t side);

// The centres of the voxels, [3, NumVoxels()], x running fastest.
Eigen::Matrix3Xd VoxelCentres(const SampledVolume& volume);
// Those of a volume of this size that is not reduced.
Eigen::Matrix3Xd VoxelGrid(const std::array<int64_t, 3>& size);

// A value and its gradient per unit of the cube.
struct VolumeSample {
  double value;
  Eigen::RowVector3d gradient;
};

// Trilinear; beyond the outer voxels' centres their value, with no slope. NaN
// at a point that is not finite. Every side has at least two voxels.
VolumeSample SampleAt(const SampledVolume& volume,
                      const Eigen::Vector3d& point);

}  // namespace cpab

#endif  // CPAB_REGISTRATION_SAMPLED_VOLUME_H_
