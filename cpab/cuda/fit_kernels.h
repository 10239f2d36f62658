// cpab/cuda/fit_batch.h on a GPU, a block of threads to a problem.
//
// All pointers are to memory of the current device. Work is put on `stream` and
// not waited for: the iterations end on the device. Without --config=cuda every
// call returns an error.
#ifndef CPAB_CUDA_FIT_KERNELS_H_
#define CPAB_CUDA_FIT_KERNELS_H_

#include "cpab/cuda/fit_batch.h"
#include "cpab/cuda/launch.h"

namespace cpab::kernels {

// As FitOnHost. doubles, ints: B times the numbers that
// FitMemory(problems.model.grid, problems.count) says.
LaunchError LaunchFit(const FitBatch& problems, const FitResults& results,
                      double* doubles, int* ints, Stream stream);

// As PullbackFitOnHost. doubles, ints: B times what PullbackMemory says.
LaunchError LaunchFitPullback(const FitBatch& problems,
                              const FitPullback& pullback, double* doubles,
                              int* ints, Stream stream);

}  // namespace cpab::kernels

#endif  // CPAB_CUDA_FIT_KERNELS_H_
