// A function of a subject and an input, such as frames of a source for
// keypoints, that is mostly called for the subject and the shape of the last
// call: then it is recorded (networks/recorded_call.h).
#ifndef PIPELINES_ANIMATION_REPEATED_CALL_H_
#define PIPELINES_ANIMATION_REPEATED_CALL_H_

#include <torch/types.h>

#include <memory>
#include <vector>

#include "networks/recorded_call.h"

namespace pipelines {

// One thread at a time, always in or always out of inference mode.
class RepeatedCall {
 public:
  // function({input}), which must be of `subject`: the first time as it is,
  // from the second call in a row of one subject and shape on by a recording.
  // `function` is kept meanwhile. Where it cannot be recorded, as it is ever
  // after. Subjects are told apart as tensors, not by their values; undefined:
  // none.
  networks::RecordedCall::Tensors operator()(
      const torch::Tensor& subject, const torch::Tensor& input,
      const networks::RecordedCall::Function& function);

 private:
  bool Repeats(const torch::Tensor& subject, const torch::Tensor& input);

  torch::Tensor subject_;
  std::vector<int64_t> shape_;  // of the last input
  std::unique_ptr<networks::RecordedCall> recorded_;
  bool can_record_ = true;
};

}  // namespace pipelines

#endif  // PIPELINES_ANIMATION_REPEATED_CALL_H_
