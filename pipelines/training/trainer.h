// Training: from a config to a run folder with everything that came of it.
#ifndef PIPELINES_TRAINING_TRAINER_H_
#define PIPELINES_TRAINING_TRAINER_H_

#include <torch/types.h>

#include <string>

#include "absl/status/status.h"
#include "pipelines/config/config.pb.h"
#include "pipelines/parallel/process_environment.h"

namespace pipelines {

struct TrainerOptions {
  Config config;
  std::string output;  // the run folder, see run_folder.h
  torch::Device device = torch::kCPU;
  // One process, or which of several this is; see README.md.
  parallel::ProcessEnvironment process;
  // Prints where the time of a step goes when training ends.
  bool profile = false;
  // For messages: how the user names this program and config.
  std::string command;
};

// Trains, evaluates on the test split, animates a test clip's first frame by
// the motion of another, and writes the run's page. Goes on from the newest
// checkpoint in the folder if it has one.
//
// FailedPrecondition if the folder holds a run of another config, naming the
// fields; the errors of RunFolder::Open and OpenSplit; DivergedError with step,
// term and last good checkpoint if a loss is not finite; StoppedBySignal after
// saving if a stop signal came; Unavailable, after saving, if another process
// of the run is lost; FailedPrecondition if another process has another config
// or other clips; ResourceExhausted, PermissionDenied where a file cannot
// be written (earlier checkpoints stay whole).
//
// Of several processes, rank 0 alone reads and writes the run folder.
absl::Status Train(const TrainerOptions& options);

}  // namespace pipelines

#endif  // PIPELINES_TRAINING_TRAINER_H_
