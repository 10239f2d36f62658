#include <cuda_runtime.h>

#include <algorithm>

#include "cpab/cuda/flow_kernels.h"

namespace cpab::kernels {
namespace {

constexpr int kThreads = 256;
// What a block may have without asking for more.
constexpr size_t kMaxSharedBytes = 48 * 1024;

// Blocks along x for points and along y for fields; threads go on by the grid's
// size where that is less than the batch.
template <typename Real>
dim3 BlocksFor(const FlowBatch<Real>& flows) {
  const int64_t along_points = (flows.count + kThreads - 1) / kThreads;
  return dim3(static_cast<unsigned>(
                  std::min<int64_t>(along_points, (int64_t{1} << 31) - 1)),
              static_cast<unsigned>(std::min<int64_t>(flows.batch, 65535)));
}

template <typename Real>
__global__ void __launch_bounds__(kThreads)
    TransformKernel(FlowBatch<Real> flows, Real* y) {
  const int64_t stride = int64_t{kThreads} * gridDim.x;
  for (int64_t b = blockIdx.y; b < flows.batch; b += gridDim.y) {
    const Field<Real> field = flows.FieldOf(b);
    for (int64_t n = int64_t{blockIdx.x} * kThreads + threadIdx.x;
         n < flows.count; n += stride) {
      flows.Store(TransformPoint(field, flows.PointOf(b, n)),
                  b * flows.count + n, y);
    }
  }
}

template <typename Real, typename Add>
__device__ void PullbackPoints(const FlowBatch<Real>& flows, int64_t b,
                               const Real* dl_dy, Real* dl_dpoints, Add add) {
  const Field<Real> field = flows.FieldOf(b);
  const int64_t stride = int64_t{kThreads} * gridDim.x;
  for (int64_t n = int64_t{blockIdx.x} * kThreads + threadIdx.x;
       n < flows.count; n += stride) {
    const int64_t index = b * flows.count + n;
    flows.Store(PullbackPoint(field, flows.PointOf(b, n),
                              flows.VectorAt(dl_dy, index), add),
                index, dl_dpoints);
  }
}

// The shares of a block's points are added up in its shared memory, and once
// to the whole.
template <typename Real>
__global__ void __launch_bounds__(kThreads)
    PullbackKernel(FlowBatch<Real> flows, const Real* dl_dy, Real* dl_dpoints,
                   double* dl_dvelocities) {
  extern __shared__ __align__(16) unsigned char shared[];
  Real* const partial = reinterpret_cast<Real*>(shared);
  const int size = 2 * flows.grid.num_vertices();
  for (int64_t b = blockIdx.y; b < flows.batch; b += gridDim.y) {
    for (int i = threadIdx.x; i < size; i += kThreads) partial[i] = 0;
    __syncthreads();
    PullbackPoints(flows, b, dl_dy, dl_dpoints,
                   [=](int vertex, Vector<Real> share) {
                     atomicAdd(&partial[2 * vertex], share.x);
                     atomicAdd(&partial[2 * vertex + 1], share.y);
                   });
    __syncthreads();
    double* const total = dl_dvelocities + int64_t{size} * b;
    for (int i = threadIdx.x; i < size; i += kThreads) {
      if (partial[i] != 0) {
        atomicAdd(&total[i], static_cast<double>(partial[i]));
      }
    }
    __syncthreads();
  }
}

// For grids whose vertices do not fit shared memory; they are so many that
// threads seldom meet at one.
template <typename Real>
__global__ void __launch_bounds__(kThreads)
    PullbackFineKernel(FlowBatch<Real> flows, const Real* dl_dy,
                       Real* dl_dpoints, double* dl_dvelocities) {
  for (int64_t b = blockIdx.y; b < flows.batch; b += gridDim.y) {
    double* const total =
        dl_dvelocities + int64_t{2} * flows.grid.num_vertices() * b;
    PullbackPoints(
        flows, b, dl_dy, dl_dpoints, [=](int vertex, Vector<Real> share) {
          atomicAdd(&total[2 * vertex], static_cast<double>(share.x));
          atomicAdd(&total[2 * vertex + 1], static_cast<double>(share.y));
        });
  }
}

LaunchError Said(cudaError_t error) {
  return error == cudaSuccess ? nullptr : cudaGetErrorString(error);
}

}  // namespace

template <typename Real>
LaunchError LaunchTransform(const FlowBatch<Real>& flows, Real* y,
                            Stream stream) {
  if (flows.batch == 0 || flows.count == 0) return nullptr;
  TransformKernel<Real><<<BlocksFor(flows), kThreads, 0, stream>>>(flows, y);
  return Said(cudaGetLastError());
}

template <typename Real>
LaunchError LaunchPullback(const FlowBatch<Real>& flows, const Real* dl_dy,
                           Real* dl_dpoints, double* dl_dvelocities,
                           Stream stream) {
  const size_t size = 2 * static_cast<size_t>(flows.grid.num_vertices());
  if (flows.batch == 0) return nullptr;
  const cudaError_t cleared = cudaMemsetAsync(
      dl_dvelocities, 0, size * flows.batch * sizeof(double), stream);
  if (cleared != cudaSuccess || flows.count == 0) return Said(cleared);
  const size_t shared = size * sizeof(Real);
  if (shared <= kMaxSharedBytes) {
    PullbackKernel<Real><<<BlocksFor(flows), kThreads, shared, stream>>>(
        flows, dl_dy, dl_dpoints, dl_dvelocities);
  } else {
    PullbackFineKernel<Real><<<BlocksFor(flows), kThreads, 0, stream>>>(
        flows, dl_dy, dl_dpoints, dl_dvelocities);
  }
  return Said(cudaGetLastError());
}

template LaunchError LaunchTransform<float>(const FlowBatch<float>&, float*,
                                            Stream);
template LaunchError LaunchTransform<double>(const FlowBatch<double>&, double*,
                                             Stream);
template LaunchError LaunchPullback<float>(const FlowBatch<float>&,
                                           const float*, float*, double*,
                                           Stream);
template LaunchError LaunchPullback<double>(const FlowBatch<double>&,
                                            const double*, double*, double*,
                                            Stream);

}  // namespace cpab::kernels
