// Builds without --config=cuda: each call is an ordinary one.
#include <utility>

#include "networks/recorded_call.h"

namespace networks {

struct RecordedCall::Recording {};

bool RecordedCall::IsRecorded(torch::Device) { return false; }

RecordedCall::RecordedCall(Function function, const Tensors& inputs)
    : function_(std::move(function)) {
  TORCH_CHECK(!inputs.empty(), "RecordedCall: no inputs");
}

RecordedCall::~RecordedCall() = default;

RecordedCall::Tensors RecordedCall::operator()(const Tensors& inputs) {
  return function_(inputs);
}

}  // namespace networks
