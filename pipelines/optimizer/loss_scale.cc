#include "pipelines/optimizer/loss_scale.h"

namespace pipelines {

void LossScale::Update(bool finite) {
  if (!finite) {
    value_ /= 2;
    steps_ = 0;
  } else if (++steps_ == kStepsToGrow) {
    value_ *= 2;
    steps_ = 0;
  }
}

}  // namespace pipelines
