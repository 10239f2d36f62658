#include "pipelines/model/autocast.h"

#include "third_party/libtorch/autocast.h"

namespace pipelines {

AutocastScope::AutocastScope(TrainingConfig::Precision precision,
                             c10::Device device)
    : device_(device), was_on_(libtorch::IsAutocastOn(device.type())) {
  libtorch::SetAutocast(device_.type(), precision == TrainingConfig::BFLOAT16);
}

AutocastScope::~AutocastScope() {
  libtorch::SetAutocast(device_.type(), was_on_);
  // The weights' copies are of this step.
  if (!was_on_) at::autocast::clear_cache();
}

}  // namespace pipelines
