#include "pipelines/checkpoint/learning_phase.h"

#include "absl/strings/str_cat.h"

namespace pipelines {
namespace {

// What lets a run of these settings take whole steps, too.
std::string HowToGoOn(const TrainingConfig& training) {
  constexpr char kAgain[] = "Run the training again to go on";
  const bool too_few_steps = training.max_steps() > 0 &&
                             training.max_steps() <= training.motion_steps();
  const bool has_minutes = training.max_minutes() > 0;
  if (!too_few_steps && !has_minutes) return kAgain;
  return absl::StrCat(kAgain, ", with a larger ",
                      too_few_steps ? "training.max_steps" : "",
                      too_few_steps && has_minutes ? " and " : "",
                      has_minutes ? "training.max_minutes" : "");
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

std::string UnpaintedWarning(const TrainingConfig& training, int64_t step) {
  if (!IsUnpainted(training, step)) return "";
  return absl::StrCat(
      "nothing has learnt to paint yet: after ", step, " of ",
      training.motion_steps(),
      " steps that teach motion alone (training.motion_steps), frames show the "
      "source moved by a network that has not learnt to fill holes. ",
      HowToGoOn(training), "; or start a run with fewer such steps");
}

}  // namespace pipelines
