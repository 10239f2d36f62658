// What a run gives when all its steps are taken.
#ifndef PIPELINES_TRAINING_CONCLUSION_H_
#define PIPELINES_TRAINING_CONCLUSION_H_

#include <torch/types.h>

#include <cstdint>

#include "absl/status/statusor.h"
#include "pipelines/base/work_hooks.h"
#include "pipelines/config/config.pb.h"
#include "pipelines/data/dataset.h"
#include "pipelines/evaluation/evaluation.h"
#include "pipelines/training/learner.h"
#include "pipelines/training/run_folder.h"

namespace pipelines {

// Evaluates the (averaged) weights after `step` steps on `test` and writes
// scores and pictures into the folder; then animates the first test clip's
// first frame as the first 250 frames of the last one move. If that cannot
// drive a video, warns and removes the animation of an earlier end. The errors
// of Evaluate, and of AnimateVideo otherwise.
absl::StatusOr<Evaluation> ConcludeRun(const RunFolder& folder, int64_t step,
                                       const Config& config, Learner& learner,
                                       torch::Device device,
                                       data::Dataset& test,
                                       const WorkHooks& hooks);

}  // namespace pipelines

#endif  // PIPELINES_TRAINING_CONCLUSION_H_
