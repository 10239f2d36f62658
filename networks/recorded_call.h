// A function of tensors whose work on a GPU is recorded once and then launched
// as a whole, as a CUDA graph: for functions of many small kernels, which a
// host launches more slowly one by one than a GPU runs them.
#ifndef NETWORKS_RECORDED_CALL_H_
#define NETWORKS_RECORDED_CALL_H_

#include <torch/types.h>

#include <memory>

#include "networks/tensor_function.h"

namespace networks {

// One thread at a time.
class RecordedCall {
 public:
  using Tensors = networks::Tensors;
  using Function = TensorFunction;

  // Whether calls on `device` are recorded: on CUDA devices, in builds with
  // kernels (--config=cuda). Elsewhere each call is an ordinary one.
  static bool IsRecorded(torch::Device device);

  // Runs `function` on `inputs`, of one device, a few times, and records it.
  // What it does must follow from the shapes of its inputs alone, on that
  // device, without waiting for it and without copies from the host; what else
  // it reads must keep its place in memory while the recording lives.
  // c10::Error where this cannot be recorded: then operators work as before,
  // but LibTorch may take random numbers on that device for part of a recording
  // that never ends.
  RecordedCall(Function function, const Tensors& inputs);
  ~RecordedCall();
  RecordedCall(const RecordedCall&) = delete;
  RecordedCall& operator=(const RecordedCall&) = delete;

  // What the function makes of `inputs`, in memory of their own. TORCH_CHECK:
  // other shapes, dtypes or devices than those recorded.
  Tensors operator()(const Tensors& inputs);

 private:
  struct Recording;

  Function function_;
  Tensors inputs_;                        // that the recording reads
  std::unique_ptr<Recording> recording_;  // null where nothing is recorded
};

}  // namespace networks

#endif  // NETWORKS_RECORDED_CALL_H_
