// What launches of kernels have in common.
#ifndef CPAB_CUDA_LAUNCH_H_
#define CPAB_CUDA_LAUNCH_H_

struct CUstream_st;

namespace cpab::kernels {

// cudaStream_t, for files that are compiled without CUDA's headers.
using Stream = CUstream_st*;

// Null, or a sentence that says what went wrong. Launches do not wait: what
// goes wrong while a kernel runs is told by a later call.
using LaunchError = const char*;

}  // namespace cpab::kernels

#endif  // CPAB_CUDA_LAUNCH_H_
