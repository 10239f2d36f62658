#include "pipelines/training/best_checkpoint.h"

#include <algorithm>

#include "pipelines/evaluation/reconstruction.h"
#include "pipelines/optimizer/weight_average.h"
#include "third_party/absl/status_macros.h"

namespace pipelines {
namespace {

using Best = BestCheckpointConfig;

// How much of the test clips a look evaluates.
EvaluationConfig FewFrames(const Config& config) {
  EvaluationConfig few = config.evaluation();
  few.set_max_clips(config.training().best_checkpoint().max_clips());
  few.set_frame_step(config.training().best_checkpoint().frame_step());
  return few;
}

int64_t FramesOf(const data::Dataset& test, const EvaluationConfig& few) {
  const int64_t available = static_cast<int64_t>(test.clips().size());
  const int64_t clips = few.max_clips() > 0
                            ? std::min<int64_t>(few.max_clips(), available)
                            : available;
  int64_t frames = 0;
  for (int64_t i = 0; i < clips; ++i) {
    const int all = test.clips()[i].info.num_frames;
    const int step = ScoredFrameStep(few.frame_step(), all);
    frames += (all + step - 1) / step;
  }
  return frames;
}

}  // namespace

BestCheckpoint::BestCheckpoint(const Config& config, Session* session,
                               data::Dataset* test)
    : config_(config), session_(session), test_(test) {
  if (config.training().best_checkpoint().metric() == Best::TEST_L1) {
    frames_ = FramesOf(*test, FewFrames(config));
  }
}

bool BestCheckpoint::IsDue() const {
  const CheckpointState& state = session_->state();
  const int64_t motion_steps = config_.training().motion_steps();
  if (session_->store() == nullptr || state.step() == 0 ||
      state.looked_at_step() >= state.step()) {
    return false;
  }
  if (state.finished()) return true;
  const int64_t since = std::max(state.looked_at_step(), motion_steps);
  return session_->EpochEndsWithCheckpoint() && state.step() > motion_steps &&
         (state.step() - since) * state.samples_per_step() >=
             kPairsForAFrame * frames_;
}

absl::Status BestCheckpoint::LookIfDue(
    Learner& learner, torch::Device device, const WorkHooks& hooks,
    const std::function<absl::Status(double l1)>& measured) {
  const Best::Metric metric = config_.training().best_checkpoint().metric();
  const CheckpointState& now = session_->state();
  if (metric == Best::NONE || !IsDue()) return absl::OkStatus();
  if (metric == Best::TRAINING_LOSS && now.loss_steps() == 0) {
    return absl::OkStatus();
  }
  double value = now.loss_sum() / std::max<int64_t>(now.loss_steps(), 1);
  if (metric == Best::TEST_L1) {
    ASSIGN_OR_RETURN(value, TestL1(learner, device, hooks));
    RETURN_IF_ERROR(measured(value));
  }
  CheckpointState& state = session_->mutable_state();
  state.set_loss_sum(0);
  state.set_loss_steps(0);
  state.set_looked_at_step(state.step());
  const bool is_best = state.best_step() < 0 || value < state.best_value();
  if (!is_best) return absl::OkStatus();
  state.set_best_step(state.step());
  state.set_best_value(value);
  return session_->store()->MarkBest(state.step(), hooks);
}

absl::StatusOr<double> BestCheckpoint::TestL1(Learner& learner,
                                              torch::Device device,
                                              const WorkHooks& hooks) const {
  const WeightAverage::Scope averaged(learner.average());
  learner.model().eval();
  ReconstructionTools tools;
  tools.hooks = hooks;
  const absl::StatusOr<EvaluationResult> result = EvaluateReconstruction(
      learner.model(), device, *test_, FewFrames(config_), tools);
  learner.model().train();
  RETURN_IF_ERROR(result.status());
  return result->model.l1;
}

}  // namespace pipelines
