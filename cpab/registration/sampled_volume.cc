#include "cpab/registration/sampled_volume.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace cpab {
namespace {

// Along one axis: each of the `count` new samples is the mean of the interval
// of old ones that it covers.
SampledVolume ReducedAlong(const SampledVolume& volume, int axis,
                           int64_t count) {
  const int64_t old_count = volume.size[axis];
  if (count == old_count) return volume;
  int64_t stride = 1;
  for (int a = 0; a < axis; ++a) stride *= volume.size[a];
  SampledVolume result;
  result.whole = volume.whole;
  result.size = volume.size;
  result.size[axis] = count;
  result.values.resize(result.NumVoxels());
  const int64_t outer = volume.NumVoxels() / (stride * old_count);
  const double scale =
      static_cast<double>(old_count) / static_cast<double>(count);
  for (int64_t n = 0; n < count; ++n) {
    const double begin = static_cast<double>(n) * scale, end = begin + scale;
    const auto first = static_cast<int64_t>(begin);
    const auto last =
        std::min(old_count, static_cast<int64_t>(std::ceil(end - 1e-9)));
    for (int64_t o = 0; o < outer; ++o) {
      for (int64_t s = 0; s < stride; ++s) {
        double sum = 0;
        for (int64_t m = first; m < last; ++m) {
          const double covered = std::min(end, static_cast<double>(m + 1)) -
                                 std::max(begin, static_cast<double>(m));
          sum += covered * volume.values[s + stride * (m + old_count * o)];
        }
        result.values[s + stride * (n + count * o)] =
            static_cast<float>(sum / scale);
      }
    }
  }
  return result;
}

}  // namespace

SampledVolume Reduced(const SampledVolume& volume, int64_t side) {
  const int64_t longest =
      *std::max_element(volume.size.begin(), volume.size.end());
  if (longest <= side) return volume;
  SampledVolume result = volume;
  if (result.whole[0] == 0) result.whole = volume.size;
  for (int a = 0; a < 3; ++a) {
    const double size = static_cast<double>(volume.size[a]) *
                        static_cast<double>(side) /
                        static_cast<double>(longest);
    result = ReducedAlong(result, a, std::max<int64_t>(2, std::llround(size)));
  }
  return result;
}

Eigen::Matrix3Xd VoxelCentres(const SampledVolume& volume) {
  Eigen::Matrix3Xd points(3, volume.NumVoxels());
  Eigen::Index n = 0;
  const SampledAxis x = volume.Axis(0), y = volume.Axis(1), z = volume.Axis(2);
  for (int64_t k = 0; k < volume.size[2]; ++k) {
    for (int64_t j = 0; j < volume.size[1]; ++j) {
      for (int64_t i = 0; i < volume.size[0]; ++i) {
        points.col(n++) << x.Coordinate(i), y.Coordinate(j), z.Coordinate(k);
      }
    }
  }
  return points;
}

Eigen::Matrix3Xd VoxelGrid(const std::array<int64_t, 3>& size) {
  SampledVolume volume;
  volume.size = size;
  return VoxelCentres(volume);
}

VolumeSample SampleAt(const SampledVolume& volume,
                      const Eigen::Vector3d& point) {
  if (!point.allFinite()) {
    constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
    return {kNaN, Eigen::RowVector3d::Constant(kNaN)};
  }
  int64_t first = 0, stride[3];
  double weight[3], scale[3];
  bool beyond[3];
  for (int a = 0; a < 3; ++a) {
    stride[a] = a == 0 ? 1 : stride[a - 1] * volume.size[a - 1];
    const SampledAxis axis = volume.Axis(a);
    scale[a] = axis.Density();
    const double index = axis.Index(point[a]);
    const double x =
        std::clamp(index, 0.0, static_cast<double>(volume.size[a] - 1));
    beyond[a] = index != x;
    const int64_t cell = std::min(static_cast<int64_t>(x), volume.size[a] - 2);
    weight[a] = x - static_cast<double>(cell);
    first += cell * stride[a];
  }
  VolumeSample sample = {0, Eigen::RowVector3d::Zero()};
  for (int corner = 0; corner < 8; ++corner) {
    int64_t place = first;
    double w[3], slope[3];
    for (int a = 0; a < 3; ++a) {
      const bool far = ((corner >> a) & 1) != 0;
      place += far ? stride[a] : 0;
      w[a] = far ? weight[a] : 1 - weight[a];
      slope[a] = far ? scale[a] : -scale[a];
    }
    const double value = volume.values[place];
    sample.value += value * w[0] * w[1] * w[2];
    sample.gradient += value * Eigen::RowVector3d(slope[0] * w[1] * w[2],
                                                  w[0] * slope[1] * w[2],
                                                  w[0] * w[1] * slope[2]);
  }
  for (int a = 0; a < 3; ++a) {
    if (beyond[a]) sample.gradient[a] = 0;
  }
  return sample;
}

}  // namespace cpab
