// Flows of many points under a batch of fields, and their adjoint: the data,
// and the loop over them on the processor. cpab/cuda/flow_kernels.h has the
// same on a GPU; both run TransformPoint and PullbackPoint of
// cpab/cuda/point_path.h.
//
// A field is given by the velocities at the vertices of
// cpab/field/tessellation.h (u = W theta, Basis::VerticesFromTheta), so that
// nothing here depends on the basis: theta and dL/dtheta are one matrix product
// away, and grids may have more rectangles than a basis has.
//
// Real is float or double: all arithmetic is in Real but for sums over points,
// which are added up in double. A point is off by at most 90 epsilon of the
// square's side times e^K, K the largest velocity gradient, which is 1e-5 e^K
// in float and 2e-14 e^K in double: flow_arrays_test.cc.
//
// Coordinates: x right, y down, [0, 1] inside the square. Points outside follow
// the outward extension of the field or, with zero_boundary, the nearest point
// of the square. Points that are not finite, and paths of more than 4096 arcs,
// come out as NaN.
#ifndef CPAB_CUDA_FLOW_ARRAYS_H_
#define CPAB_CUDA_FLOW_ARRAYS_H_

#include <cstdint>

#include "cpab/cuda/grid.h"
#include "cpab/cuda/host_device.h"
#include "cpab/cuda/point_path.h"

namespace cpab::kernels {

// Arrays are dense, row-major, in the memory of the device that works on them.
template <typename Real>
struct FlowBatch {
  Grid grid;
  int64_t batch;           // B
  int64_t count;           // N, points for each field
  const Real* velocities;  // [B, vertices, 2]
  const Real* points;      // [B, N, 2], or [N, 2] if they are shared
  bool has_shared_points;

  CPAB_HOST_DEVICE Field<Real> FieldOf(int64_t b) const {
    return {grid, velocities + 2 * grid.num_vertices() * b};
  }
  CPAB_HOST_DEVICE Vector<Real> PointOf(int64_t b, int64_t n) const {
    return VectorAt(points, has_shared_points ? n : b * count + n);
  }
  CPAB_HOST_DEVICE static Vector<Real> VectorAt(const Real* vectors,
                                                int64_t index) {
    return {vectors[2 * index], vectors[2 * index + 1]};
  }
  CPAB_HOST_DEVICE static void Store(Vector<Real> v, int64_t index,
                                     Real* vectors) {
    vectors[2 * index] = v.x;
    vectors[2 * index + 1] = v.y;
  }
};

// y = T(points), [B, N, 2].
template <typename Real>
void TransformOnHost(const FlowBatch<Real>& flows, Real* y);

// Pulls dL/dy [B, N, 2] back: dL/d(points) [B, N, 2], also for shared points,
// and dL/d(velocities) [B, vertices, 2], which are overwritten.
template <typename Real>
void PullbackOnHost(const FlowBatch<Real>& flows, const Real* dl_dy,
                    Real* dl_dpoints, double* dl_dvelocities);

}  // namespace cpab::kernels

#endif  // CPAB_CUDA_FLOW_ARRAYS_H_
