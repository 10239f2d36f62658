// cpab/cuda/flow_arrays.h on a GPU, a thread to a point.
//
// All pointers are to memory of the current device. Work is put on `stream` and
// not waited for. Without --config=cuda every call returns an error.
// Tested by kernels_test.cc.
#ifndef CPAB_CUDA_FLOW_KERNELS_H_
#define CPAB_CUDA_FLOW_KERNELS_H_

#include "cpab/cuda/flow_arrays.h"
#include "cpab/cuda/launch.h"

namespace cpab::kernels {

// As TransformOnHost.
template <typename Real>
LaunchError LaunchTransform(const FlowBatch<Real>& flows, Real* y,
                            Stream stream);

// As PullbackOnHost. Threads add to dl_dvelocities in any order: its last bits
// differ from run to run. Those of dl_dpoints do not.
template <typename Real>
LaunchError LaunchPullback(const FlowBatch<Real>& flows, const Real* dl_dy,
                           Real* dl_dpoints, double* dl_dvelocities,
                           Stream stream);

}  // namespace cpab::kernels

#endif  // CPAB_CUDA_FLOW_KERNELS_H_
