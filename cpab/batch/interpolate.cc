#include "cpab/batch/interpolate.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace cpab {
namespace {

// Along one axis: two neighbours with their weights, and the weights'
// derivatives with respect to the coordinate.
struct AxisWeights {
  std::array<int64_t, 2> index;
  std::array<double, 2> weight;
  std::array<double, 2> slope;
};

// `coordinate` is finite.
AxisWeights WeightsAlong(double coordinate, int64_t size, Beyond beyond) {
  const double last = static_cast<double>(size - 1);
  const double scaled = coordinate * last;
  AxisWeights axis;
  if (beyond == Beyond::kNearest && (scaled < 0 || scaled > last)) {
    const int64_t nearest = scaled < 0 ? 0 : size - 1;
    return {{nearest, nearest}, {1, 0}, {0, 0}};
  }
  // Clamped first: a far coordinate has no index.
  const double floor = std::floor(std::clamp(scaled, -2.0, last + 1));
  const int64_t first = static_cast<int64_t>(
      scaled <= last ? std::min(floor, std::max(last - 1, 0.0)) : floor);
  const double fraction =
      std::clamp(scaled - static_cast<double>(first), 0.0, 1.0);
  axis.index = {first, first + 1};
  axis.weight = {1 - fraction, fraction};
  axis.slope = {-last, last};
  for (int i = 0; i < 2; ++i) {
    if (axis.index[i] >= 0 && axis.index[i] < size) continue;
    axis.index[i] = 0;
    axis.weight[i] = axis.slope[i] = 0;
  }
  return axis;
}

// The samples that surround a point: their places relative to a channel's first
// sample, their weights, and the weights' gradients.
template <int D>
struct Corners {
  static constexpr int kCount = 1 << D;
  std::array<int64_t, kCount> offset;
  std::array<double, kCount> weight;
  std::array<std::array<double, D>, kCount> slope;
};

template <int D>
Corners<D> CombineAxes(const std::array<AxisWeights, D>& axes,
                       const std::array<int64_t, 3>& strides) {
  Corners<D> corners;
  for (int i = 0; i < Corners<D>::kCount; ++i) {
    corners.offset[i] = 0;
    corners.weight[i] = 1;
    corners.slope[i].fill(1);
    for (int a = 0; a < D; ++a) {
      const int side = i >> a & 1;
      corners.offset[i] += axes[a].index[side] * strides[a];
      corners.weight[i] *= axes[a].weight[side];
      for (int along = 0; along < D; ++along) {
        corners.slope[i][along] *=
            along == a ? axes[a].slope[side] : axes[a].weight[side];
      }
    }
  }
  return corners;
}

int64_t SizeAlong(const InterpolationShape& shape, int64_t b, int axis) {
  return shape.lengths != nullptr ? shape.lengths[b] : shape.size[axis];
}

// False if the point is not finite.
template <int D, typename Scalar>
bool WeightsAt(const InterpolationShape& shape,
               const PointArray<const Scalar>& points, int64_t b, int64_t n,
               std::array<AxisWeights, D>* axes) {
  for (int a = 0; a < D; ++a) {
    const double coordinate = static_cast<double>(points.at(b, a, n));
    if (!std::isfinite(coordinate)) return false;
    (*axes)[a] = WeightsAlong(coordinate, SizeAlong(shape, b, a), shape.beyond);
  }
  return true;
}

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

template <int D, typename Scalar>
void InterpolateAll(const InterpolationShape& shape,
                    const SampleArray<const Scalar>& data,
                    const PointArray<const Scalar>& points,
                    const PointArray<Scalar>& values,
                    const ParallelFor& parallel_for) {
  constexpr int64_t kBlock = 4096;
  const int64_t blocks = (shape.num_points + kBlock - 1) / kBlock;
  parallel_for(shape.batch * blocks, [&](int64_t item) {
    const int64_t b = item / blocks, begin = item % blocks * kBlock;
    const int64_t end = std::min(shape.num_points, begin + kBlock);
    std::array<AxisWeights, D> axes;
    for (int64_t n = begin; n < end; ++n) {
      const bool finite = WeightsAt<D>(shape, points, b, n, &axes);
      const Corners<D> corners =
          finite ? CombineAxes<D>(axes, data.axis_strides) : Corners<D>();
      for (int64_t c = 0; c < shape.channels; ++c) {
        const Scalar* channel =
            data.data + b * data.batch_stride + c * data.channel_stride;
        double value = finite ? 0 : kNaN;
        for (int i = 0; finite && i < Corners<D>::kCount; ++i) {
          // A weight of 0 hides whatever is there, infinities too.
          if (corners.weight[i] != 0) {
            value += corners.weight[i] * channel[corners.offset[i]];
          }
        }
        values.at(b, c, n) = static_cast<Scalar>(value);
      }
    }
  });
}

template <int D, typename Scalar>
void PullbackAll(const InterpolationShape& shape,
                 const SampleArray<const Scalar>& data,
                 const PointArray<const Scalar>& points,
                 const PointArray<const Scalar>& dl_dvalues,
                 const SampleArray<Scalar>& dl_ddata,
                 const PointArray<Scalar>& dl_dpoints,
                 const ParallelFor& parallel_for) {
  parallel_for(shape.batch, [&](int64_t b) {
    std::array<AxisWeights, D> axes;
    for (int64_t n = 0; n < shape.num_points; ++n) {
      std::array<double, D> gradient;
      gradient.fill(kNaN);
      if (WeightsAt<D>(shape, points, b, n, &axes)) {
        gradient.fill(0);
        const Corners<D> from = CombineAxes<D>(axes, data.axis_strides);
        const Corners<D> to = CombineAxes<D>(axes, dl_ddata.axis_strides);
        for (int64_t c = 0; c < shape.channels; ++c) {
          const Scalar* channel =
              data.data + b * data.batch_stride + c * data.channel_stride;
          Scalar* dl_dchannel = dl_ddata.data + b * dl_ddata.batch_stride +
                                c * dl_ddata.channel_stride;
          const double pull = static_cast<double>(dl_dvalues.at(b, c, n));
          // As above, a factor of 0 hides what is there.
          if (pull == 0) continue;
          for (int i = 0; i < Corners<D>::kCount; ++i) {
            if (to.weight[i] != 0) {
              dl_dchannel[to.offset[i]] +=
                  static_cast<Scalar>(pull * to.weight[i]);
            }
            for (int a = 0; a < D; ++a) {
              const double slope = from.slope[i][a];
              if (slope == 0) continue;
              gradient[a] += pull * slope * channel[from.offset[i]];
            }
          }
        }
      }
      for (int a = 0; a < D; ++a) {
        dl_dpoints.at(b, a, n) = static_cast<Scalar>(gradient[a]);
      }
    }
  });
}

}  // namespace

template <typename Scalar>
void Interpolate(const InterpolationShape& shape,
                 const SampleArray<const Scalar>& data,
                 const PointArray<const Scalar>& points,
                 const PointArray<Scalar>& values,
                 const ParallelFor& parallel_for) {
  const auto all = shape.dimensions == 1   ? InterpolateAll<1, Scalar>
                   : shape.dimensions == 2 ? InterpolateAll<2, Scalar>
                                           : InterpolateAll<3, Scalar>;
  all(shape, data, points, values, parallel_for);
}

template <typename Scalar>
void InterpolatePullback(const InterpolationShape& shape,
                         const SampleArray<const Scalar>& data,
                         const PointArray<const Scalar>& points,
                         const PointArray<const Scalar>& dl_dvalues,
                         const SampleArray<Scalar>& dl_ddata,
                         const PointArray<Scalar>& dl_dpoints,
                         const ParallelFor& parallel_for) {
  const auto all = shape.dimensions == 1   ? PullbackAll<1, Scalar>
                   : shape.dimensions == 2 ? PullbackAll<2, Scalar>
                                           : PullbackAll<3, Scalar>;
  all(shape, data, points, dl_dvalues, dl_ddata, dl_dpoints, parallel_for);
}

template void Interpolate<float>(const InterpolationShape&,
                                 const SampleArray<const float>&,
                                 const PointArray<const float>&,
                                 const PointArray<float>&, const ParallelFor&);
template void Interpolate<double>(const InterpolationShape&,
                                  const SampleArray<const double>&,
                                  const PointArray<const double>&,
                                  const PointArray<double>&,
                                  const ParallelFor&);
template void InterpolatePullback<float>(
    const InterpolationShape&, const SampleArray<const float>&,
    const PointArray<const float>&, const PointArray<const float>&,
    const SampleArray<float>&, const PointArray<float>&, const ParallelFor&);
template void InterpolatePullback<double>(
    const InterpolationShape&, const SampleArray<const double>&,
    const PointArray<const double>&, const PointArray<const double>&,
    const SampleArray<double>&, const PointArray<double>&, const ParallelFor&);

}  // namespace cpab
