// Tested by fit_batch_test.cc.
#include <cuda_runtime.h>

#include <algorithm>

#include "cpab/cuda/fit_kernels.h"

namespace cpab::kernels {
namespace {

// A step's loops have some hundred to some ten thousand turns; more threads
// would wait longer for each other than they save.
constexpr int kThreads = 128;

struct Block {
  template <typename Body>
  CPAB_HOST_DEVICE void ForEach(int count, Body body) const {
#ifdef __CUDA_ARCH__
    __syncthreads();
    for (int i = threadIdx.x; i < count; i += kThreads) body(i);
    __syncthreads();
#else
    (void)count, (void)body;
#endif
  }
};

__global__ void __launch_bounds__(kThreads)
    FitKernel(FitBatch problems, FitResults results, double* doubles,
              int* ints) {
  const FitMemory memory(problems.model.grid, problems.count);
  const Block team;
  for (int64_t b = blockIdx.x; b < problems.batch; b += gridDim.x) {
    KeypointFit<Block> fit(
        team, problems.model, problems.settings, problems.PairsOf(b),
        {doubles + memory.num_doubles() * b, ints + memory.num_ints() * b});
    const FitOutcome outcome =
        fit.Solve(results.force + static_cast<int64_t>(memory.columns) * b);
    if (threadIdx.x == 0) results.Store(outcome, b);
  }
}

__global__ void __launch_bounds__(kThreads)
    PullbackKernel(FitBatch problems, FitPullback pullback, double* doubles,
                   int* ints) {
  const PullbackMemory memory(problems.model.grid, problems.count);
  const Block team;
  for (int64_t b = blockIdx.x; b < problems.batch; b += gridDim.x) {
    KeypointPullback<Block> back(
        team, problems.model, problems.settings, problems.PairsOf(b),
        doubles + memory.num_doubles() * b, ints + memory.num_ints() * b);
    const bool exact = back.Solve(pullback.Of(b, memory));
    if (threadIdx.x == 0) pullback.exact[b] = exact;
  }
}

unsigned BlocksFor(int64_t batch) {
  return static_cast<unsigned>(
      std::min<int64_t>(batch, (int64_t{1} << 31) - 1));
}

LaunchError LastError() {
  const cudaError_t error = cudaGetLastError();
  return error == cudaSuccess ? nullptr : cudaGetErrorString(error);
}

}  // namespace

LaunchError LaunchFit(const FitBatch& problems, const FitResults& results,
                      double* doubles, int* ints, Stream stream) {
  if (problems.batch == 0) return nullptr;
  FitKernel<<<BlocksFor(problems.batch), kThreads, 0, stream>>>(
      problems, results, doubles, ints);
  return LastError();
}

LaunchError LaunchFitPullback(const FitBatch& problems,
                              const FitPullback& pullback, double* doubles,
                              int* ints, Stream stream) {
  if (problems.batch == 0) return nullptr;
  PullbackKernel<<<BlocksFor(problems.batch), kThreads, 0, stream>>>(
      problems, pullback, doubles, ints);
  return LastError();
}

}  // namespace cpab::kernels
