#include "pipelines/model/autocast.h"

namespace pipelines {

AutocastScope::AutocastScope(TrainingConfig::Precision precision,
                             c10::Device device)
    : scope_(
          {device.type(), precision != TrainingConfig::FLOAT32,
           precision == TrainingConfig::FLOAT16 ? at::kHalf : at::kBFloat16}) {}

}  // namespace pipelines
