#include "networks/recorded_call.h"

#include <ATen/cuda/CUDAGraph.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>
#include <torch/cuda.h>

#include <utility>

#include "third_party/libtorch/cuda_graph.h"

namespace networks {
namespace {

// As PyTorch's documentation wants it: cuDNN and cuBLAS set themselves up in
// the first calls, and the allocator sees what they need.
constexpr int kCallsBefore = 2;

}  // namespace

struct RecordedCall::Recording {
  at::cuda::CUDAGraph graph;
  Tensors outputs;
};

bool RecordedCall::IsRecorded(torch::Device device) { return device.is_cuda(); }

RecordedCall::RecordedCall(Function function, const Tensors& inputs)
    : function_(std::move(function)) {
  TORCH_CHECK(!inputs.empty(), "RecordedCall: no inputs");
  if (!IsRecorded(inputs[0].device())) return;
  for (const torch::Tensor& input : inputs) inputs_.push_back(input.clone());
  recording_ = std::make_unique<Recording>();
  torch::cuda::synchronize(inputs[0].device().index());
  // Not on the default stream, on which nothing can be recorded.
  const c10::cuda::CUDAStreamGuard stream(c10::cuda::getStreamFromPool(
      /*isHighPriority=*/false, inputs[0].device().index()));
  for (int i = 0; i < kCallsBefore; ++i) function_(inputs_);
  torch::cuda::synchronize(inputs[0].device().index());
  libtorch::BeginRecording(&recording_->graph);
  try {
    recording_->outputs = function_(inputs_);
  } catch (...) {
    // The stream takes ordinary work again only after the end.
    try {
      recording_->graph.capture_end();
    } catch (const std::exception&) {
      // Says again that nothing was recorded.
    }
    throw;
  }
  recording_->graph.capture_end();
}

RecordedCall::~RecordedCall() = default;

RecordedCall::Tensors RecordedCall::operator()(const Tensors& inputs) {
  if (recording_ == nullptr) return function_(inputs);
  TORCH_CHECK(inputs.size() == inputs_.size(), "RecordedCall: ", inputs.size(),
              " inputs for ", inputs_.size());
  const c10::cuda::CUDAGuard device(inputs_[0].device());
  for (size_t i = 0; i < inputs.size(); ++i) {
    TORCH_CHECK(inputs[i].sizes() == inputs_[i].sizes() &&
                    inputs[i].dtype() == inputs_[i].dtype() &&
                    inputs[i].device() == inputs_[i].device(),
                "RecordedCall: input ", i, " is not like the one recorded");
    inputs_[i].copy_(inputs[i], /*non_blocking=*/true);
  }
  recording_->graph.replay();
  Tensors outputs;
  for (const torch::Tensor& output : recording_->outputs) {
    outputs.push_back(output.clone());
  }
  return outputs;
}

}  // namespace networks
