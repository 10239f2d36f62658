// The page and pictures of a run, made from what its folder holds.
#ifndef PIPELINES_TRAINING_RUN_REPORT_H_
#define PIPELINES_TRAINING_RUN_REPORT_H_

#include <torch/types.h>

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "pipelines/checkpoint/checkpoint.pb.h"
#include "pipelines/config/config.pb.h"
#include "pipelines/evaluation/evaluation.h"
#include "pipelines/model/model.h"
#include "pipelines/report/page.h"
#include "pipelines/training/run_folder.h"
#include "pipelines/training/step_report.h"

namespace pipelines {

// Runs `model` on the preview pairs (each [B, 3, H, W] in [0, 1]) in eval mode
// and writes the strip of pictures of `epoch`; returns its path. Leaves the
// model's mode as it was.
absl::StatusOr<std::string> WriteStrip(
    const RunFolder& folder, AnimationModel& model, const ModelConfig& config,
    const torch::Tensor& source, const torch::Tensor& driving, int64_t epoch);

// What the page tells besides what the folder holds.
struct RunIndex {
  StepReport layout;                     // the columns of losses.csv
  std::string device;                    // in words
  std::optional<Evaluation> evaluation;  // empty while training goes on
  std::vector<RunCommand> commands;      // for the user to run
};

// Writes index.html.
absl::Status WriteRunIndex(const RunFolder& folder,
                           const CheckpointState& state, const RunIndex& index);

}  // namespace pipelines

#endif  // PIPELINES_TRAINING_RUN_REPORT_H_
