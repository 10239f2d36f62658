// Linear interpolation of signals, images and volumes at given points, and its
// derivatives: what a warp does after its points have been transformed.
//
// Coordinates: component a of a point runs along spatial axis a of the data,
// and the centres of the first and the last sample are 0 and 1
// (align_corners = true), as in libcpab. For an image that is stored as
// [rows, columns], with x to the right, give the data's strides in the order
// (columns, rows).
#ifndef CPAB_BATCH_INTERPOLATE_H_
#define CPAB_BATCH_INTERPOLATE_H_

#include <array>
#include <cstdint>

#include "cpab/batch/point_array.h"
#include "cpab/field/parallel.h"

namespace cpab {

// What lies beyond the first and the last sample. An axis of one sample has
// that one everywhere.
enum class Beyond {
  kNearest,  // The nearest sample's value: what libcpab has.
  kZero,     // A further sample of 0, and that from there on.
};

// Sampled functions [B, C, *size] in memory of any strides.
template <typename Scalar>
struct SampleArray {
  Scalar* data = nullptr;
  int64_t batch_stride = 0;
  int64_t channel_stride = 0;
  std::array<int64_t, 3> axis_strides = {};  // As many as dimensions count.
};

// Which functions are interpolated where.
struct InterpolationShape {
  int dimensions = 1;  // 1 to 3
  int64_t batch = 0;
  int64_t channels = 0;
  std::array<int64_t, 3> size = {};  // Samples along each axis, at least 1.
  int64_t num_points = 0;            // In each element.
  // In one dimension, series of different lengths: null, or for each element
  // how many of its samples count, 1 to size[0]. The last of them is at 1.
  const int64_t* lengths = nullptr;
  Beyond beyond = Beyond::kNearest;
};

// values[b, c, n] = data[b, c] at points[b, :, n]; NaN at points that are not
// finite. `values` has channels as its components.
template <typename Scalar>
void Interpolate(const InterpolationShape& shape,
                 const SampleArray<const Scalar>& data,
                 const PointArray<const Scalar>& points,
                 const PointArray<Scalar>& values,
                 const ParallelFor& parallel_for = Serially);

// Pulls dl_dvalues back: adds dL/d(data) to `dl_ddata`, whose elements must not
// share memory, and sets dL/d(points). At a sample the slope is that of the
// interval after it (at the last sample, before it), beyond the border that of
// what `beyond` says is there. Points that are not finite have gradient NaN and
// add nothing.
template <typename Scalar>
void InterpolatePullback(const InterpolationShape& shape,
                         const SampleArray<const Scalar>& data,
                         const PointArray<const Scalar>& points,
                         const PointArray<const Scalar>& dl_dvalues,
                         const SampleArray<Scalar>& dl_ddata,
                         const PointArray<Scalar>& dl_dpoints,
                         const ParallelFor& parallel_for = Serially);

}  // namespace cpab

#endif  // CPAB_BATCH_INTERPOLATE_H_
