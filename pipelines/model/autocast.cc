#include "pipelines/model/autocast.h"

#include "third_party/libtorch/autocast_state.h"

namespace pipelines {

AutocastScope::AutocastScope(TrainingConfig::Precision precision,
                             c10::Device device)
    : device_(device),
      was_on_(libtorch::IsAutocastOn(device.type())),
      dtype_before_(libtorch::AutocastDtype(device.type())) {
  libtorch::SetAutocast(
      device_.type(), precision != TrainingConfig::FLOAT32,
      precision == TrainingConfig::FLOAT16 ? at::kHalf : at::kBFloat16);
}

AutocastScope::~AutocastScope() {
  libtorch::SetAutocast(device_.type(), was_on_, dtype_before_);
  // The weights' copies are of this step.
  if (!was_on_) at::autocast::clear_cache();
}

}  // namespace pipelines
