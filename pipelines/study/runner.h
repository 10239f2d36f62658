// Carrying out a study: every run in a process of its own, one after another.
#ifndef PIPELINES_STUDY_RUNNER_H_
#define PIPELINES_STUDY_RUNNER_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "pipelines/base/work_hooks.h"
#include "pipelines/study/study.h"

namespace pipelines {

struct StudyRunnerOptions {
  // Paths of the programs.
  std::string train;
  std::string evaluate;
  // Flags that every run gets, as "--threads=1".
  std::vector<std::string> flags;
  // Evaluates finished runs once more, as with metrics that came later.
  bool evaluate_again = false;
  // Told which run is next, and asked whether to stop.
  WorkHooks hooks;
  // Called before the first run and after each, to bring tables up to date.
  std::function<absl::Status()> report;
};

// Whether `run` has come to its end under its config, evaluation included.
bool IsFinished(const StudyRun& run);

// FailedPrecondition, as a UsageError, naming a run that has trained beyond the
// study's budget, under a larger one, or that began with other
// training.initial_weights or has another training.batch_size or accumulation:
// its results would stand for the study's, or be left out.
absl::Status CheckRunsComparable(const StudyPlan& plan);

// Trains and evaluates the runs that are not finished, in order; one that was
// interrupted goes on from its checkpoint. A run that fails, crashes or is
// killed does not keep the others from being made: such runs are named in the
// FailedPrecondition at the end.
//
// The errors of CheckRunsComparable, before the first run; Cancelled if the
// work is to stop (the run under way has saved); Unavailable, at once, where
// trying again can help, as when the disk is full.
absl::Status RunStudy(const StudyPlan& plan, const StudyRunnerOptions& options);

}  // namespace pipelines

#endif  // PIPELINES_STUDY_RUNNER_H_
