#include "pipelines/training_console.h"

#include <cmath>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "pipelines/app/exit_code.h"
#include "pipelines/app/installed_commands.h"
#include "pipelines/base/format_duration.h"
#include "pipelines/base/quoted_for_shell.h"
#include "pipelines/base/stop_signal.h"
#include "pipelines/base/stopwatch.h"
#include "pipelines/checkpoint/checkpoint_store.h"
#include "pipelines/checkpoint/learning_phase.h"
#include "pipelines/training/same_config.h"

namespace pipelines {
namespace {

// "loss 12.30 perceptual 9.10 ...", of those that have started.
std::string LossesInWords(const StepReport& report) {
  std::string text;
  for (const StepValue& value : report.values()) {
    if (value.kind != StepValueKind::kLoss || !std::isfinite(value.value)) {
      continue;
    }
    absl::StrAppendFormat(&text, "%s %.2f ",
                          value.name == kTotalLoss ? "loss" : value.name,
                          value.value);
  }
  absl::StripTrailingAsciiWhitespace(&text);
  return text;
}

}  // namespace

std::string AnimateCommand(const std::string& checkpoint) {
  return absl::StrCat(
      CommandsForUser("tools/bazelw run //pipelines:animate -- --checkpoint "),
      QuotedForShell(std::filesystem::absolute(checkpoint)),
      " --source YOUR.png --driving YOUR.mp4 --output out.mp4");
}

std::string ResultWarning(const TrainingConfig& training, int64_t step,
                          const EvaluationResult& result) {
  if (IsUnpainted(training, step)) {
    return UnpaintedWarning(training, step, /*finished=*/true);
  }
  if (result.model.l1 < result.first_frame.l1) return "";
  if (result.first_frame.l1 == 0) {
    return "nothing moves in the test frames, each of which equals its clip's "
           "first one or is it: their scores say nothing of what the model has "
           "learnt. Use test clips of several frames that differ";
  }
  return absl::StrFormat(
      "on the test clips this model is no better than their first frame, "
      "unmoved: L1 %.4f and %.4f. It needs more steps, or clips in which more "
      "moves",
      result.model.l1, result.first_frame.l1);
}

absl::Status TrainingConsole::Explain(const absl::Status& status) const {
  if (IsConfigMismatch(status)) {
    return UsageError(absl::Status(
        status.code(),
        absl::StrCat(status.message(),
                     "; name another --output. To train on with other "
                     "settings, begin there with these weights: --set ",
                     QuotedForShell(absl::StrCat("training.initial_weights=",
                                                 options_.run_folder)))));
  }
  if (absl::IsOutOfRange(status)) {
    return DivergedError(std::string(status.message()));
  }
  // Where no signal came to this process, one came to another of the run.
  if (absl::IsCancelled(status)) {
    return StoppedBySignal(StopSignal() != 0 ? StopSignal() : SIGTERM,
                           stopped_);
  }
  return status;
}

WorkHooks TrainingConsole::MakeHooks(std::function<bool()> stop) {
  WorkHooks hooks;
  hooks.stop = std::move(stop);
  hooks.progress = [this](const WorkProgress& progress) { ShowTask(progress); };
  hooks.note = [this](const std::string& sentence) {
    Print(stdout, OneLine(absl::StrCat("train: ", CommandsForUser(sentence))));
  };
  hooks.warn = [this](const std::string& sentence) {
    Print(stderr,
          OneLine(absl::StrCat("train: warning: ", CommandsForUser(sentence))));
  };
  return hooks;
}

void TrainingConsole::Describe(const RunDescription& run) {
  processes_ = run.processes;
  std::string line = absl::StrFormat(
      "train: %s into %s on %s, %.1f million parameters", options_.config,
      run.folder.path(), run.device, 1e-6 * run.parameters);
  if (run.processes > 1) {
    absl::StrAppend(&line, ", ", run.processes, " processes");
  }
  Print(stdout, line);
  if (run.config.losses().perceptual().untrained()) {
    Print(stdout,
          "train: the perceptual loss uses an UNTRAINED VGG-19 (random "
          "features); name weights in losses.perceptual.weights for better "
          "pictures");
  }
}

absl::Status TrainingConsole::Begin(const RunView& run) {
  const TrainingConfig& training = run.config.training();
  time_.emplace(training, run.expected_steps, run.state.step(),
                run.state.trained_seconds(),
                [clock = Stopwatch()] { return clock.Seconds(); });
  if (training.motion_steps() >= run.expected_steps) {
    Print(stdout,
          absl::StrCat("train: warning: all ", run.expected_steps,
                       " steps teach motion alone, since "
                       "training.motion_steps is ",
                       training.motion_steps(), "; nothing learns to paint"));
  }
  return absl::OkStatus();
}

void TrainingConsole::StartBar(const RunView& run) {
  ProgressOptions progress;
  progress.title = "train";
  progress.unit = "steps";
  // What ends by the clock has no known number of steps.
  if (time_->budget() == 0) progress.total = run.expected_steps;
  progress.done = run.state.step() - 1;
  progress.share = [this] { return time_->Share(); };
  progress.seconds_left = [this] { return time_->SecondsLeft(); };
  bar_.emplace(progress);
}

void TrainingConsole::TimeWholeStep(double seconds) {
  if (time_) time_->TryWholeStep(seconds);
}

absl::Status TrainingConsole::AfterStep(const RunView& run,
                                        const StepReport& report,
                                        const StepTime& time) {
  if (!bar_) StartBar(run);
  time_->AddStep(time.seconds);
  losses_ = LossesInWords(report);
  if (const std::string phase =
          PhaseText(run.config.training(), run.state.step());
      !phase.empty()) {
    losses_ = absl::StrCat(phase, "  ", losses_);
  }
  if (time_->budget() > 0) {
    losses_ =
        absl::StrFormat("%.1f of %.1f min  %s", time_->trained_seconds() / 60,
                        time_->budget() / 60, losses_);
  }
  absl::StrAppend(&losses_, measured_);
  step_ = run.state.step();
  bar_->Update(step_, losses_);
  // The first step sets up threads and memory, too.
  if (++steps_of_session_ == 2) {
    std::string line =
        absl::StrCat("train: about ", FormatRate(1 / time.seconds), " steps/s");
    // Not a number where it is not known.
    if (const double left = time_->SecondsLeft(); left >= 1) {
      absl::StrAppend(&line, ", about ", DurationInWords(left), " left");
    }
    Print(stdout, line);
  }
  return absl::OkStatus();
}

absl::Status TrainingConsole::Measure(const RunView&, const std::string& name,
                                      double value) {
  measured_ = absl::StrFormat("  %s %.4f", name, value);
  return absl::OkStatus();
}

absl::Status TrainingConsole::End(const RunView&, const StageTimer& timer) {
  if (bar_) {
    bar_->Update(step_, losses_);
    bar_->Finish();
  }
  bar_.reset();
  if (options_.profile) {
    Print(stdout, absl::StrFormat(
                      "train: where the time of a step goes (%d steps):\n%s",
                      steps_of_session_,
                      timer.Table(static_cast<int>(steps_of_session_))));
  }
  return absl::OkStatus();
}

absl::Status TrainingConsole::Conclude(const RunView& run,
                                       const Evaluation& evaluation) {
  const EvaluationResult& result = evaluation.result;
  Print(stdout,
        absl::StrFormat("train: %d steps in %s; on the test clips L1 %.4f "
                        "(first frame %.4f), PSNR %.2f dB, SSIM %.3f",
                        run.state.step(),
                        DurationInWords(run.state.trained_seconds()),
                        result.model.l1, result.first_frame.l1,
                        result.model.psnr, result.model.ssim));
  if (const std::string warning =
          ResultWarning(PhasesOf(run.state), run.state.step(), result);
      !warning.empty()) {
    Print(stderr, absl::StrCat("train: warning: ", warning));
  }
  Print(stdout,
        absl::StrCat("train: look at ",
                     std::filesystem::absolute(run.folder.path()).string(),
                     "/index.html"));
  if (ListCheckpoints(run.folder.checkpoints()).empty()) {
    return absl::OkStatus();
  }
  // The folder stands for its best checkpoint.
  Print(stdout, absl::StrCat("train: animate an image of your own:\n  ",
                             AnimateCommand(run.folder.path())));
  return absl::OkStatus();
}

void TrainingConsole::Stopped(const std::string& checkpoint, int64_t step) {
  if (checkpoint.empty()) {
    stopped_ = "no step is taken yet. ";
  } else if (step == 0) {
    stopped_ = absl::StrCat("the run stands as before, at ", checkpoint, ". ");
  } else {
    stopped_ = absl::StrCat("step ", step, " is saved in ", checkpoint, ". ");
  }
  if (processes_ > 1) {
    stopped_ += "To go on, start all processes again, of any number";
  } else {
    absl::StrAppend(&stopped_, "To go on:\n  ", options_.resume_command);
  }
}

// A task between two steps is told beside their bar.
void TrainingConsole::ShowTask(const WorkProgress& progress) {
  if (bar_) {
    bar_->Update(step_, absl::StrCat(progress.stage, " ", progress.done, "/",
                                     progress.total, "  ", losses_));
    return;
  }
  if (!task_bar_ || task_ != progress.stage || progress.done == 0) {
    task_bar_.reset();
    ProgressOptions options;
    options.title = task_ = std::string(progress.stage);
    options.unit = std::string(progress.unit);
    options.total = progress.total;
    options.done = progress.done;
    task_bar_.emplace(options);
  }
  task_bar_->Update(progress.done, progress.extra);
  if (progress.total == 0 || progress.done < progress.total) return;
  task_bar_->Finish();
  task_bar_.reset();
}

void TrainingConsole::Print(std::FILE* stream, const std::string& line) {
  for (std::optional<ProgressBar>* bar : {&bar_, &task_bar_}) {
    if (*bar) (*bar)->Clear();
  }
  PrintLines(stream, line);
}

}  // namespace pipelines
