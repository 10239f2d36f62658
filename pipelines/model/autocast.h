// Mixed precision: what runs in bfloat16 and what does not.
#ifndef PIPELINES_MODEL_AUTOCAST_H_
#define PIPELINES_MODEL_AUTOCAST_H_

#include <c10/core/Device.h>

#include "pipelines/config/config.pb.h"
#include "third_party/libtorch/autocast_state.h"

namespace pipelines {

// While it lives, LibTorch's autocast is on for `device` with bfloat16 or
// float16: in forward passes of this thread, convolutions and matrix products
// run in it, with copies of the weights, which stay float32 as do their
// gradients. Off, if `precision` is FLOAT32, also inside another scope. What
// says where a pixel comes from stays exact: networks/exact_scope.h.
class AutocastScope {
 public:
  AutocastScope(TrainingConfig::Precision precision, c10::Device device);

 private:
  libtorch::AutocastScope scope_;
};

}  // namespace pipelines

#endif  // PIPELINES_MODEL_AUTOCAST_H_
