// The interface of those who follow a run: its log, its page, a progress bar.
#ifndef PIPELINES_TRAINING_TRAINING_OBSERVER_H_
#define PIPELINES_TRAINING_TRAINING_OBSERVER_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "pipelines/checkpoint/checkpoint.pb.h"
#include "pipelines/config/config.pb.h"
#include "pipelines/data/dataset.h"
#include "pipelines/evaluation/evaluation.h"
#include "pipelines/training/learner.h"
#include "pipelines/training/run_folder.h"
#include "pipelines/training/stage_timer.h"
#include "pipelines/training/step_report.h"
#include "pipelines/training/step_time.h"

namespace pipelines {

// A run before its data are opened and its checkpoints looked at.
struct RunDescription {
  const Config& config;
  const RunFolder& folder;
  std::string device;  // in words
  int64_t parameters = 0;
  int processes = 1;
};

// A run that trains. Not owned, and as it is during the call only.
struct RunView {
  const Config& config;
  const RunFolder& folder;
  const CheckpointState& state;
  Learner& learner;
  data::Dataset& test;
  // Of the whole run, if no limit of minutes ends it before.
  int64_t expected_steps = 0;
};

// Called in one thread, in this order; each default does nothing. An error ends
// the run.
class TrainingObserver {
 public:
  virtual ~TrainingObserver() = default;

  virtual void Describe(const RunDescription&) {}

  // The run stands at run.state, and goes on from there if it is not at its
  // end.
  virtual absl::Status Begin(const RunView&) { return absl::OkStatus(); }

  // While only motion is taught: what a later, whole step takes, timed once.
  virtual void TimeWholeStep(double /*seconds*/) {}

  // run.state counts the step that `report` is of.
  virtual absl::Status AfterStep(const RunView&, const StepReport& /*report*/,
                                 const StepTime& /*time*/) {
    return absl::OkStatus();
  }

  virtual absl::Status AfterEpoch(const RunView&) { return absl::OkStatus(); }

  // What is not measured in every step.
  virtual absl::Status Measure(const RunView&, const std::string& /*name*/,
                               double /*value*/) {
    return absl::OkStatus();
  }

  // All steps are taken and saved. `timer` has their stages, by the host's
  // clock unless TrainerOptions::profile is set.
  virtual absl::Status End(const RunView&, const StageTimer& /*timer*/) {
    return absl::OkStatus();
  }

  // The model is evaluated and the animation made.
  virtual absl::Status Conclude(const RunView&, const Evaluation&) {
    return absl::OkStatus();
  }

  // Instead of what would have come next: the run was asked to stop. It can go
  // on from `checkpoint`; empty if there is none yet. `step` is its step, 0
  // where this session took none and restored none.
  virtual void Stopped(const std::string& /*checkpoint*/, int64_t /*step*/) {}
};

}  // namespace pipelines

#endif  // PIPELINES_TRAINING_TRAINING_OBSERVER_H_
