// Points of a batch in memory that someone else has laid out: arrays of NumPy
// or of LibTorch, of any strides.
#ifndef CPAB_BATCH_POINT_ARRAY_H_
#define CPAB_BATCH_POINT_ARRAY_H_

#include <cstdint>

#include "Eigen/Core"

namespace cpab {

// Component a of point n of batch element b is at
// data[b * batch_stride + a * component_stride + n * point_stride]. A stride of
// 0 repeats what it counts: batch_stride = 0 for points that all elements
// share.
template <typename Scalar>
struct PointArray {
  Scalar* data = nullptr;
  int64_t batch_stride = 0;
  int64_t component_stride = 0;
  int64_t point_stride = 0;

  Scalar& at(int64_t b, int64_t a, int64_t n) const {
    return data[b * batch_stride + a * component_stride + n * point_stride];
  }
};

// [B, D, N] in row-major order, as libcpab and NumPy have it; [N] if D is 1.
template <typename Scalar>
PointArray<Scalar> ComponentsFirst(Scalar* data, int64_t dimensions,
                                   int64_t num_points) {
  return {data, dimensions * num_points, num_points, 1};
}

// Points [begin, end) of element b as columns in double, [D, end - begin].
template <int D, typename Scalar>
Eigen::Matrix<double, D, Eigen::Dynamic> Gather(
    const PointArray<Scalar>& points, int64_t b, int64_t begin, int64_t end) {
  Eigen::Matrix<double, D, Eigen::Dynamic> columns(D, end - begin);
  for (int a = 0; a < D; ++a) {
    for (int64_t n = begin; n < end; ++n) {
      columns(a, n - begin) = static_cast<double>(points.at(b, a, n));
    }
  }
  return columns;
}

// The inverse of Gather.
template <int D, typename Scalar>
void Scatter(const Eigen::Matrix<double, D, Eigen::Dynamic>& columns, int64_t b,
             int64_t begin, const PointArray<Scalar>& points) {
  for (int a = 0; a < D; ++a) {
    for (int64_t n = 0; n < columns.cols(); ++n) {
      points.at(b, a, begin + n) = static_cast<Scalar>(columns(a, n));
    }
  }
}

}  // namespace cpab

#endif  // CPAB_BATCH_POINT_ARRAY_H_
