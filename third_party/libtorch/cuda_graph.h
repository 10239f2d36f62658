// How the recording of a CUDA graph begins: LibTorch 1.13 and 2.0 cannot leave
// other threads out of it, 2.1 and later can.
#ifndef THIRD_PARTY_LIBTORCH_CUDA_GRAPH_H_
#define THIRD_PARTY_LIBTORCH_CUDA_GRAPH_H_

#include <ATen/cuda/CUDAGraph.h>
#include <torch/version.h>

namespace libtorch {

// Other threads may go on with work of their own, where LibTorch can say so.
inline void BeginRecording(at::cuda::CUDAGraph* graph) {
#if TORCH_VERSION_MAJOR > 2 || \
    (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 1)
  graph->capture_begin({0, 0}, cudaStreamCaptureModeThreadLocal);
#else
  graph->capture_begin();
#endif
}

}  // namespace libtorch

#endif  // THIRD_PARTY_LIBTORCH_CUDA_GRAPH_H_
