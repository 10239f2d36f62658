#include "pipelines/training/session.h"

#include <algorithm>
#include <filesystem>
#include <set>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "networks/files/atomic_file.h"
#include "pipelines/base/format_duration.h"
#include "pipelines/base/user_path.h"
#include "pipelines/checkpoint/checkpoint.h"
#include "pipelines/checkpoint/learning_phase.h"
#include "pipelines/checkpoint/run_checkpoint.h"
#include "pipelines/config/config.h"
#include "pipelines/config/other_data.h"
#include "pipelines/model/model.h"
#include "pipelines/optimizer/loss_scale.h"
#include "pipelines/training/clips_of_run.h"
#include "pipelines/training/initial_weights.h"
#include "pipelines/training/meeting.h"
#include "pipelines/training/same_config.h"
#include "pipelines/training/shared_training.h"
#include "third_party/absl/status_macros.h"

namespace pipelines {
namespace {

// What is not `loaded` and does not train stays as it was drawn.
void WarnOfFrozenAtRandom(const AnimationModel& model,
                          const std::vector<std::string>& loaded,
                          const WorkHooks& hooks) {
  const std::set<std::string> known(loaded.begin(), loaded.end());
  std::vector<std::string> random;
  for (const auto& item : model.named_parameters()) {
    if (!item.value().requires_grad() && known.count(item.key()) == 0) {
      random.push_back(item.key());
    }
  }
  if (random.empty()) return;
  hooks.Warn(absl::StrCat(
      "training.frozen keeps ", random.size(), " tensors at random values, as ",
      random[0],
      "; name weights that have them in training.initial_weights, or leave "
      "them out of it"));
}

// Whether `model` begins with an inpainting network that has learnt to paint:
// `loaded` from `path`, and not one of a run that taught motion alone.
bool HasLearntToPaint(const AnimationModel& model,
                      const std::vector<std::string>& loaded,
                      const std::string& path) {
  const std::set<std::string> known(loaded.begin(), loaded.end());
  for (const auto& item : model.named_parameters()) {
    if (absl::StartsWith(item.key(), "inpainting_network.") &&
        known.count(item.key()) == 0) {
      return false;
    }
  }
  const auto state = ReadCheckpointState(path);
  return !state.ok() || !IsUnpainted(PhasesOf(*state), state->step());
}

// Files with other times alone have the same frames.
bool HaveOtherFrames(const ClipsFingerprint& a, const ClipsFingerprint& b) {
  return a.names() != b.names() || a.sizes() != b.sizes();
}

}  // namespace

Session::Session(const Config& config, std::optional<RunFolder> folder,
                 std::shared_ptr<parallel::ProcessGroup> group)
    : config_(config),
      folder_(std::move(folder)),
      group_(std::move(group)),
      former_clips_(config.data().folder()) {
  *state_.mutable_config() = config_;
  state_.set_samples_per_step(SamplesPerStep(config_, num_processes()));
  if (folder_) {
    store_.emplace(folder_->checkpoints(),
                   config_.training().keep_checkpoints());
  }
}

absl::Status Session::Resume(Learner& learner, const WorkHooks& hooks) {
  RETURN_IF_ERROR(AgreeOn(
      group_.get(), folder_ ? Restore(learner, hooks) : absl::OkStatus()));
  if (group_ != nullptr) {
    RETURN_IF_ERROR(ShareTraining(*group_, learner.learnt(), &state_));
  }
  agreed_seconds_ = state_.trained_seconds();
  const bool is_over = IsOver();
  if (!is_over) AdaptPosition(hooks);
  ForgetOtherBest(hooks);
  former_clips_ = state_.config().data().folder();
  const Config config = TruthOfRun(hooks);
  config_changed_ = !ConfigDifferences(state_.config(), config).empty();
  if (!is_over || config_changed_) SetBestAsideIfNoneIsKept(hooks);
  *state_.mutable_config() = config;
  if (!is_over) {
    state_.set_samples_per_step(SamplesPerStep(config_, num_processes()));
  }
  if (state_.has_loss_scale()) {
    learner.SetLossScale(
        LossScale(state_.loss_scale(), state_.steps_at_loss_scale()));
  }
  return absl::OkStatus();
}

absl::Status Session::Restore(Learner& learner, const WorkHooks& hooks) {
  const auto check = [this](const CheckpointState& state) {
    return CheckSameConfig(folder_->path(), state, config_, num_processes());
  };
  ASSIGN_OR_RETURN(std::optional<CheckpointState> state,
                   store_->Restore(check, learner.learnt(), hooks));
  RETURN_IF_ERROR(store_->CheckSpace(learner.learnt()));
  if (!state) return StartFromInitialWeights(learner, hooks);
  state_ = *std::move(state);
  hooks.Note(absl::StrCat(
      "going on from ", store_->Newest(), ", step ", state_.step(), ", after ",
      DurationInWords(state_.trained_seconds()), " of training"));
  return absl::OkStatus();
}

absl::Status Session::StartFromInitialWeights(Learner& learner,
                                              const WorkHooks& hooks) {
  const std::string named = UserPath(config_.training().initial_weights());
  if (named.empty()) {
    WarnOfFrozenAtRandom(learner.model(), {}, hooks);
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(const std::string path, CheckpointAt(named));
  ASSIGN_OR_RETURN(const InitialWeightsReport report,
                   LoadInitialWeights(path, &learner.model()));
  WarnOfFrozenAtRandom(learner.model(), report.loaded, hooks);
  state_.set_began_painting(
      HasLearntToPaint(learner.model(), report.loaded, path));
  learner.RestartAverage();
  hooks.Note(absl::StrCat(
      "initial weights from ", path, ": ", report.loaded.size(),
      " tensors loaded (", report.widened.size(),
      " of them widened for the global transform), ", report.missing.size(),
      " missing, ", report.mismatched.size(), " of another shape, ",
      report.unexpected.size(), " not of this model (names in ",
      folder_->initial_weights(), ")"));
  return networks::files::WriteAtomically(folder_->initial_weights(),
                                          ReportText(path, report));
}

// `config_`, but for what has no effect on a run that goes on: the weights that
// it began with, and, once no step is left, how pairs were dealt out to steps.
Config Session::TruthOfRun(const WorkHooks& hooks) const {
  const TrainingConfig& then = state_.config().training();
  Config config = config_;
  TrainingConfig* now = config.mutable_training();
  const std::string& asked = now->initial_weights();
  if (folder_ && !asked.empty() && asked != then.initial_weights()) {
    hooks.Note(absl::StrCat(
        "training.initial_weights has no effect on a run that goes on: it "
        "began with ",
        then.initial_weights().empty() ? "random weights"
                                       : then.initial_weights(),
        ", not with ", asked));
  }
  now->clear_initial_weights();
  if (then.has_initial_weights()) {
    now->set_initial_weights(then.initial_weights());
  }
  if (IsOver()) {
    now->set_batch_size(then.batch_size());
    now->set_accumulation(then.accumulation());
  }
  return config;
}

// Another number of processes sees other numbers of pairs a step: goes on after
// the last pair that was seen, or as soon after it as a step begins.
void Session::AdaptPosition(const WorkHooks& hooks) {
  const int64_t then = SamplesPerStep(state_);
  const int64_t now = SamplesPerStep(config_, num_processes());
  if (then == now) return;
  const int64_t seen = state_.step_in_epoch() * then;
  state_.set_step_in_epoch((seen + now - 1) / now);
  if (folder_ && state_.step() > 0) {
    hooks.Note(absl::StrCat("a step saw ", then, " pairs, from here on ", now,
                            " (config and number of processes)"));
  }
}

// A value of another metric, or of other frames, is no measure for what comes.
void Session::ForgetOtherBest(const WorkHooks& hooks) {
  const BestCheckpointConfig& then =
      state_.config().training().best_checkpoint();
  const BestCheckpointConfig& now = config_.training().best_checkpoint();
  const bool same_frames = then.max_clips() == now.max_clips() &&
                           then.frame_step() == now.frame_step();
  if (then.metric() == now.metric() &&
      (same_frames || now.metric() != BestCheckpointConfig::TEST_L1)) {
    return;
  }
  if (folder_ && state_.best_step() >= 0 &&
      now.metric() != BestCheckpointConfig::NONE) {
    hooks.Note(absl::StrCat(
        "training.best_checkpoint is another: the best until now, of step ",
        state_.best_step(), ", stays until the next look and is not compared"));
  }
  state_.clear_best_step();
  state_.clear_best_value();
  state_.clear_loss_sum();
  state_.clear_loss_steps();
}

// A best of earlier sessions would stay while the run goes on, and be used in
// its place. With the next save, since a session may yet be refused.
void Session::SetBestAsideIfNoneIsKept(const WorkHooks& hooks) {
  std::error_code error;
  if (config_.training().best_checkpoint().metric() !=
          BestCheckpointConfig::NONE ||
      !folder_ || !std::filesystem::exists(store_->best(), error)) {
    return;
  }
  sets_best_aside_ = true;
  hooks.Note(absl::StrCat(
      "training.best_checkpoint.metric is NONE: ", store_->best(),
      " is set aside as ", kFormerBestCheckpoint, " with the next save"));
}

// A value of other frames is no measure for what comes.
void Session::ForgetBestOfOtherClips(const WorkHooks& hooks) {
  if (config_.training().best_checkpoint().metric() !=
          BestCheckpointConfig::TEST_L1 ||
      state_.best_step() < 0) {
    return;
  }
  hooks.Note(absl::StrCat(
      "the test clips are others: the best until now, of step ",
      state_.best_step(), ", stays until the next look and is not compared"));
  state_.clear_best_step();
  state_.clear_best_value();
}

absl::Status Session::CompareClips(const data::Dataset& train,
                                   const data::Dataset& test,
                                   const WorkHooks& hooks) {
  const std::string& clips = config_.data().folder();
  const bool moved = AbsoluteFolder(clips) != AbsoluteFolder(former_clips_);
  const bool knows_clips = state_.has_train_clips() && state_.has_test_clips();
  const ClipsFingerprint former_test = state_.test_clips();
  std::vector<std::string> changes =
      UpdateClips(train, test, /*with_times=*/!moved, &state_);
  if (!folder_) return absl::OkStatus();
  if (moved && (!knows_clips || !changes.empty())) {
    changes.insert(
        changes.begin(),
        absl::StrCat("modified: data.folder: ", former_clips_, " -> ", clips));
    return ConfigMismatch(folder_->path(), changes);
  }
  if (moved) {
    hooks.Note(absl::StrCat("the clips are now in ", clips, ", until now in ",
                            former_clips_,
                            "; their names, frames and sizes are the same"));
  }
  for (const std::string& change : changes) {
    hooks.Warn(absl::StrCat(
        change, "; the run will not end as if it had not been interrupted"));
  }
  if (knows_clips && HaveOtherFrames(former_test, state_.test_clips())) {
    ForgetBestOfOtherClips(hooks);
  }
  return absl::OkStatus();
}

data::LoaderPosition Session::position() const {
  return {state_.epoch(),
          state_.step_in_epoch() * config_.training().accumulation()};
}

void Session::SetPosition(const data::LoaderPosition& next) {
  state_.set_epoch(next.epoch);
  state_.set_step_in_epoch(next.step / config_.training().accumulation());
}

void Session::Advance(const StepResult& result, double seconds,
                      const data::LoaderPosition& next) {
  state_.set_step(state_.step() + 1);
  SetPosition(next);
  // Steps that teach only motion have another loss, not to be compared.
  if (state_.step() > config_.training().motion_steps()) {
    state_.set_loss_sum(state_.loss_sum() + result.report.Get(kTotalLoss));
    state_.set_loss_steps(state_.loss_steps() + 1);
  }
  state_.set_trained_seconds(state_.trained_seconds() + seconds);
  if (config_.training().precision() == TrainingConfig::FLOAT16) {
    state_.set_loss_scale(result.loss_scale.value());
    state_.set_steps_at_loss_scale(result.loss_scale.steps());
  }
  agreed_seconds_ = group_ == nullptr ? state_.trained_seconds()
                                      : result.news.trained_seconds;
}

bool Session::IsAtTheEnd() const {
  const TrainingConfig& training = config_.training();
  return state_.epoch() >= training.num_epochs() ||
         (training.max_steps() > 0 && state_.step() >= training.max_steps()) ||
         (training.max_minutes() > 0 &&
          agreed_seconds_ >= 60 * training.max_minutes());
}

int64_t Session::ExpectedSteps(const data::Loader& loader) const {
  const TrainingConfig& training = config_.training();
  const int64_t to_come =
      (training.num_epochs() - state_.epoch()) *
          (loader.steps_per_epoch() / training.accumulation()) -
      state_.step_in_epoch();
  int64_t all = state_.step() + to_come;
  if (training.max_steps() > 0)
    all = std::min<int64_t>(all, training.max_steps());
  return std::max<int64_t>(all, state_.step());
}

bool Session::EpochEndsWithCheckpoint() const {
  return IsAtEpochEnd() &&
         state_.epoch() % config_.training().checkpoint_epochs() == 0;
}

bool Session::IsTimeToSave() const {
  const TrainingConfig& training = config_.training();
  const double minutes = training.checkpoint_minutes();
  const int64_t steps = training.checkpoint_steps();
  return EpochEndsWithCheckpoint() ||
         (minutes > 0 && since_save_.Seconds() > 60 * minutes) ||
         (steps > 0 && state_.step() % steps == 0);
}

absl::Status Session::Save(const Learnt& learnt) {
  since_save_.Restart();
  if (!folder_) return absl::OkStatus();
  RETURN_IF_ERROR(folder_->KeepLock());
  RETURN_IF_ERROR(store_->Save(learnt, state_));
  if (sets_best_aside_) {
    RETURN_IF_ERROR(store_->SetBestAside());
    sets_best_aside_ = false;
  }
  // The step's name may have been that of another file until now, which the
  // best would keep beside this one.
  return state_.best_step() == state_.step() ? store_->MarkBest(state_.step())
                                             : absl::OkStatus();
}

}  // namespace pipelines
