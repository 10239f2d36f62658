#include "pipelines/checkpoint/learning_phase.h"

#include "absl/strings/str_cat.h"

namespace pipelines {

bool IsUnpainted(const TrainingConfig& training, int64_t step) {
  return training.motion_steps() > 0 && step <= training.motion_steps();
}

std::string PhaseText(const TrainingConfig& training, int64_t step) {
  if (!IsUnpainted(training, step)) return "";
  return absl::StrCat("motion alone, ", step, " of ", training.motion_steps(),
                      " steps");
}

std::string UnpaintedWarning(const TrainingConfig& training, int64_t step) {
  if (!IsUnpainted(training, step)) return "";
  return absl::StrCat(
      "nothing has learnt to paint yet: after ", step, " of ",
      training.motion_steps(),
      " steps that teach motion alone (training.motion_steps), frames show the "
      "source moved by a network that has not learnt to fill holes. Train "
      "longer, or start a run with fewer such steps");
}

}  // namespace pipelines
