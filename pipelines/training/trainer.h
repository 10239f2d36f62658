// Training: from a config to a run folder with everything that came of it.
#ifndef PIPELINES_TRAINING_TRAINER_H_
#define PIPELINES_TRAINING_TRAINER_H_

#include <torch/types.h>

#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "pipelines/base/work_hooks.h"
#include "pipelines/config/config.pb.h"
#include "pipelines/parallel/process_environment.h"
#include "pipelines/training/stage_timer.h"
#include "pipelines/training/training_observer.h"

namespace pipelines {

struct TrainerOptions {
  Config config;
  std::string output;  // the run folder, see run_folder.h
  torch::Device device = torch::kCPU;
  // In words, for the page and observers; empty: as LibTorch calls it.
  std::string device_name;
  // One process, or which of several this is; see README.md.
  parallel::ProcessEnvironment process;
  WorkHooks hooks;
  // Books time to the stage in which a GPU spends it, for which the host waits
  // at the end of each stage. Otherwise stages say when work was handed over.
  bool profile = false;
  // Of rank 0, besides what writes the run folder; not owned.
  std::vector<TrainingObserver*> observers;
  // The command, for the page, by which the user animates with a checkpoint, or
  // with the best one of a run's folder. If empty, the page names none.
  std::function<std::string(const std::string& checkpoint)> animate_command;
};

// What the stages of a run on `device` wait for: its work, where that is a GPU
// and the run is profiled; null otherwise.
StageTimer::Synchronize StageSynchronization(torch::Device device,
                                             bool profile);

// Trains, evaluates on the test split, animates a test clip's first frame by
// the motion of another, and writes the run's page. Goes on from the newest
// checkpoint in the folder if it has one.
//
// FailedPrecondition, IsConfigMismatch (same_config.h), if the folder holds a
// run of another config, naming the fields; FailedPrecondition if another
// process has another config or other clips; the errors of RunFolder::Open,
// CheckpointStore::Restore and OpenSplit; OutOfRange with step, term or
// parameter, the pairs that this process had in the step (clips and frames) and
// the last good checkpoint if a loss or a gradient is not finite; Cancelled
// after saving if it, or another process of the run, was asked to stop;
// Unavailable, after saving, if another process is lost (on CPUs: see
// parallel/process_group.h); ResourceExhausted, PermissionDenied where a file
// cannot be written (earlier checkpoints stay whole).
//
// Of several processes, rank 0 alone reads and writes the run folder. An error
// before the first step, of any of them, is that of all (AgreeOn in meeting.h).
absl::Status Train(const TrainerOptions& options);

}  // namespace pipelines

#endif  // PIPELINES_TRAINING_TRAINER_H_
