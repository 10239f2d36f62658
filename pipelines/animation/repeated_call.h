// A function of a subject and an input, such as frames of a source for
// keypoints, that is mostly called for the subject and the shape of the calls
// before: then it is recorded (networks/recorded_call.h).
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
  // A recording takes the time of a few calls and saves a tenth of each.
  static constexpr int kCallsBefore = 10;

  // function({input}), which must be of `subject`: as it is kCallsBefore times
  // in a row for one subject, shape and dtype, then by a recording. `function`
  // is kept meanwhile. Where it cannot be recorded, as it is ever after.
  // Subjects are told apart as tensors, not by their values.
  networks::RecordedCall::Tensors operator()(
      const std::vector<torch::Tensor>& subject, const torch::Tensor& input,
      const networks::RecordedCall::Function& function);

 private:
  bool Repeats(const std::vector<torch::Tensor>& subject,
               const torch::Tensor& input) const;

  std::vector<torch::Tensor> subject_;
  torch::Tensor input_;  // the last one
  int calls_ = 0;        // like it
  std::unique_ptr<networks::RecordedCall> recorded_;
  bool can_record_ = true;
};

}  // namespace pipelines

#endif  // PIPELINES_ANIMATION_REPEATED_CALL_H_
