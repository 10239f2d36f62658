#include "pipelines/study/runner.h"

#include <filesystem>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "networks/files/atomic_file.h"
#include "networks/files/folder.h"
#include "pipelines/app/exit_code.h"
#include "pipelines/base/child_process.h"
#include "pipelines/base/format_duration.h"
#include "pipelines/base/stopwatch.h"
#include "pipelines/checkpoint/checkpoint_store.h"
#include "pipelines/config/config.h"
#include "pipelines/config/other_data.h"
#include "third_party/absl/status_macros.h"

namespace pipelines {
namespace {

namespace fs = std::filesystem;

std::string NewestCheckpoint(const StudyRun& run) {
  const std::vector<std::string> checkpoints =
      ListCheckpoints(run.folder + "/checkpoints");
  return checkpoints.empty() ? "" : checkpoints[0];
}

std::string EvaluationPath(const StudyRun& run) {
  return run.folder + "/evaluation.json";
}

// train goes on with such a run, whose results would stand for the study's.
absl::Status CheckMadeAlike(const StudyRun& run, const TrainingConfig& then) {
  const TrainingConfig& now = run.config.training();
  const auto words = [](const TrainingConfig& training) {
    return absl::StrFormat(
        "training.initial_weights '%s', training.batch_size %d and "
        "training.accumulation %d",
        training.initial_weights(), training.batch_size(),
        training.accumulation());
  };
  if (words(then) == words(now)) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat(run.folder, ": this run was made with ", words(then),
                   ", and the study's is to have ", words(now),
                   "; use another --output, or the former values"));
}

// A run that has trained longer than the others are to would win by that.
absl::Status CheckBudget(const StudyRun& run, const CheckpointState& state) {
  const TrainingConfig& then = state.config().training();
  const TrainingConfig& now = run.config.training();
  // The last step of a budget in minutes ends beyond it.
  const bool same = then.max_steps() == now.max_steps() &&
                    then.max_minutes() == now.max_minutes();
  const double minutes = state.trained_seconds() / 60;
  const bool beyond = (now.max_steps() > 0 && state.step() > now.max_steps()) ||
                      (now.max_minutes() > 0 && minutes > now.max_minutes());
  if (same || !beyond) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrFormat("%s: this run has trained %d steps in %.1f minutes, more "
                      "than the study's "
                      "budget now; use another --output, or the former budget",
                      run.folder, state.step(), minutes));
}

// Whether what there is of `run` can stand beside the study's other runs.
absl::Status CheckComparable(const StudyRun& run) {
  const absl::StatusOr<CheckpointState> state =
      ReadCheckpointState(NewestCheckpoint(run));
  // There is none, or train says what is wrong with it.
  if (!state.ok()) return absl::OkStatus();
  RETURN_IF_ERROR(UsageError(CheckMadeAlike(run, state->config().training())));
  return UsageError(CheckBudget(run, *state));
}

class Runner {
 public:
  Runner(const StudyPlan& plan, const StudyRunnerOptions& options)
      : plan_(plan), options_(options) {
    for (const StudyRun& run : plan.runs) unfinished_ += !IsFinished(run);
  }

  absl::Status Run() {
    RETURN_IF_ERROR(CheckRunsComparable(plan_));
    RETURN_IF_ERROR(options_.report());
    for (size_t i = 0; i < plan_.runs.size(); ++i) {
      const StudyRun& run = plan_.runs[i];
      const bool finished = IsFinished(run);
      if (finished && !options_.evaluate_again) continue;
      Announce(i, finished);
      RETURN_IF_ERROR(Execute(run, finished));
      RETURN_IF_ERROR(options_.report());
    }
    if (failed_.empty()) return absl::OkStatus();
    return absl::FailedPreconditionError(absl::StrCat(
        "these runs failed (what they said is above): ",
        absl::StrJoin(failed_, ", "),
        "; the table is without them. Run again to try them once more"));
  }

 private:
  void Announce(size_t index, bool finished) const {
    const StudyRun& run = plan_.runs[index];
    std::string sentence =
        absl::StrCat("run ", index + 1, " of ", plan_.runs.size(), ": ",
                     run.variant, ", seed ", run.seed);
    if (!finished && SecondsPerRun() > 0) {
      absl::StrAppend(&sentence, "; about ",
                      FormatDuration(unfinished_ * SecondsPerRun()), " left");
    }
    if (finished) sentence += " (evaluated again)";
    options_.hooks.Note(sentence);
  }

  // What a run takes, from those of this session; before the first, its budget.
  double SecondsPerRun() const {
    return trained_ > 0 ? seconds_ / trained_ : 60 * plan_.study.minutes();
  }

  absl::Status Execute(const StudyRun& run, bool finished) {
    const Stopwatch running;
    ASSIGN_OR_RETURN(std::vector<std::string> command,
                     finished ? EvaluateCommand(run) : TrainCommand(run));
    command.insert(command.end(), options_.flags.begin(), options_.flags.end());
    ASSIGN_OR_RETURN(const int code, RunChild(command, options_.hooks.stop));
    RETURN_IF_ERROR(CheckNotStopped(options_.hooks));
    if (CanTryAgain(code)) {
      return absl::UnavailableError(
          absl::StrCat(run.folder, ": this run ended with exit code ", code,
                       "; its message is above. Run again to go on"));
    }
    if (code != 0) {
      failed_.push_back(absl::StrCat(run.folder, " (exit code ", code, ")"));
    }
    if (!finished) {
      --unfinished_;
      ++trained_;
      seconds_ += running.Seconds();
    }
    return absl::OkStatus();
  }

  absl::StatusOr<std::vector<std::string>> TrainCommand(const StudyRun& run) {
    const std::string config = run.folder + ".textproto";
    RETURN_IF_ERROR(
        networks::files::WriteAtomically(config, ConfigText(run.config)));
    return std::vector<std::string>{options_.train, "--config=" + config,
                                    "--output=" + run.folder};
  }

  absl::StatusOr<std::vector<std::string>> EvaluateCommand(
      const StudyRun& run) {
    return std::vector<std::string>{
        options_.evaluate, "--checkpoint=" + NewestCheckpoint(run),
        "--output=" + EvaluationPath(run), "--overwrite"};
  }

  const StudyPlan& plan_;
  const StudyRunnerOptions& options_;
  int unfinished_ = 0;
  // Of this session.
  int trained_ = 0;
  double seconds_ = 0;
  std::vector<std::string> failed_;
};

}  // namespace

bool IsFinished(const StudyRun& run) {
  const std::string checkpoint = NewestCheckpoint(run);
  if (checkpoint.empty()) return false;
  std::error_code error;
  const auto evaluated = fs::last_write_time(EvaluationPath(run), error);
  if (error || evaluated < fs::last_write_time(checkpoint, error)) return false;
  const absl::StatusOr<CheckpointState> state = ReadCheckpointState(checkpoint);
  if (!state.ok() || !state->finished()) return false;
  // Former versions kept the folder as it was named.
  Config then = state->config();
  MakeFolderAbsolute(then.mutable_data());
  return ConfigDifferences(then, run.config).empty();
}

absl::Status CheckRunsComparable(const StudyPlan& plan) {
  for (const StudyRun& run : plan.runs) {
    RETURN_IF_ERROR(CheckComparable(run));
  }
  return absl::OkStatus();
}

absl::Status RunStudy(const StudyPlan& plan,
                      const StudyRunnerOptions& options) {
  RETURN_IF_ERROR(networks::files::MakeFolder(plan.output));
  return Runner(plan, options).Run();
}

}  // namespace pipelines
