#include "pipelines/checkpoint/learning_phase.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace pipelines {
namespace {

// What lets a run of these settings take whole steps, too.
std::string HowToGoOn(const TrainingConfig& training, int64_t step,
                      bool finished) {
  std::vector<std::string> too_small;
  if (training.max_steps() > 0 &&
      training.max_steps() <= training.motion_steps()) {
    too_small.push_back("training.max_steps");
  }
  if (training.max_minutes() > 0) too_small.push_back("training.max_minutes");
  // What ended with steps to come did so by its minutes or its epochs; the
  // config does not say by which.
  if (finished && (training.max_steps() == 0 || step < training.max_steps())) {
    too_small.push_back("training.num_epochs");
  }
  return absl::StrCat("Run the training again to go on",
                      too_small.empty() ? "" : ", with a larger ",
                      absl::StrJoin(too_small, " and "));
}

bool IsMotionAlone(const TrainingConfig& training, int64_t step) {
  return training.motion_steps() > 0 && step <= training.motion_steps();
}

}  // namespace

bool BeganPainting(const CheckpointState& state) {
  return !state.has_began_painting() || state.began_painting();
}

TrainingConfig PhasesOf(TrainingConfig training, bool began_painting) {
  if (!began_painting) training.clear_initial_weights();
  return training;
}

TrainingConfig PhasesOf(const CheckpointState& state) {
  return PhasesOf(state.config().training(), BeganPainting(state));
}

bool IsUnpainted(const TrainingConfig& training, int64_t step) {
  return IsMotionAlone(training, step) && training.initial_weights().empty();
}

void LeaveOutInitialWeights(CheckpointState* state) {
  if (!state->config().training().has_initial_weights()) return;
  const auto is_unpainted = [state] {
    return IsUnpainted(PhasesOf(*state), state->step());
  };
  const bool was_unpainted = is_unpainted();
  TrainingConfig* training = state->mutable_config()->mutable_training();
  training->clear_initial_weights();
  if (is_unpainted() == was_unpainted) return;
  training->set_initial_weights("(left out)");
}

std::string PhaseText(const TrainingConfig& training, int64_t step) {
  if (!IsMotionAlone(training, step)) return "";
  return absl::StrCat("motion alone, ", step, " of ", training.motion_steps(),
                      " steps");
}

std::string UnpaintedWarning(const TrainingConfig& training, int64_t step,
                             bool finished) {
  if (!IsUnpainted(training, step)) return "";
  return absl::StrCat(
      "nothing has learnt to paint yet: after ", step, " of ",
      training.motion_steps(),
      " steps that teach motion alone (training.motion_steps), frames show the "
      "source moved by a network that has not learnt to fill holes. ",
      HowToGoOn(training, step, finished),
      "; or start a run with fewer such steps");
}

}  // namespace pipelines
