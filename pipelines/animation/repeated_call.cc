#include "pipelines/animation/repeated_call.h"

#include <torch/types.h>

#include <algorithm>

namespace pipelines {

using networks::RecordedCall;

bool RepeatedCall::Repeats(const std::vector<torch::Tensor>& subject,
                           const torch::Tensor& input) const {
  const auto same = [](const torch::Tensor& a, const torch::Tensor& b) {
    return a.is_same(b);
  };
  return input_.defined() && input.sizes() == input_.sizes() &&
         input.dtype() == input_.dtype() && input.device() == input_.device() &&
         std::equal(subject.begin(), subject.end(), subject_.begin(),
                    subject_.end(), same);
}

RecordedCall::Tensors RepeatedCall::operator()(
    const std::vector<torch::Tensor>& subject, const torch::Tensor& input,
    const RecordedCall::Function& function) {
  if (!can_record_ || !RecordedCall::IsRecorded(input.device())) {
    return function({input});
  }
  if (!Repeats(subject, input)) {
    recorded_.reset();
    subject_ = subject;
    input_ = input;
    calls_ = 0;
  }
  if (++calls_ <= kCallsBefore) return function({input});
  if (recorded_ == nullptr) {
    try {
      recorded_ = std::make_unique<RecordedCall>(function,
                                                 RecordedCall::Tensors{input});
    } catch (const c10::Error& error) {
      TORCH_WARN(
          "frames are not recorded as a CUDA graph, and so take longer: ",
          error.what_without_backtrace());
      can_record_ = false;
      return function({input});
    }
  }
  return (*recorded_)({input});
}

}  // namespace pipelines
