// The page and pictures of a run, made from what its folder holds.
#ifndef PIPELINES_TRAINING_RUN_REPORT_H_
#define PIPELINES_TRAINING_RUN_REPORT_H_

#include <torch/types.h>

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "pipelines/checkpoint/checkpoint.pb.h"
#include "pipelines/config/config.pb.h"
#include "pipelines/evaluation/evaluation.h"
#include "pipelines/model/model.h"
#include "pipelines/training/run_folder.h"
#include "pipelines/training/step_report.h"

namespace pipelines {

// Runs `model` on the preview pairs (each [B, 3, H, W] in [0, 1]) in eval mode
// and writes the strip of pictures of `epoch`; returns its path. Leaves the
// model's mode as it was.
absl::StatusOr<std::string> WriteStrip(
    const RunFolder& folder, AnimationModel& model, const ModelConfig& config,
    const torch::Tensor& source, const torch::Tensor& driving, int64_t epoch);

// The command that animates an image with the run's newest checkpoint.
std::string AnimateCommand(const RunFolder& folder);

// Writes index.html. `layout` tells the columns of losses.csv; `evaluation` is
// empty while training goes on.
absl::Status WriteRunIndex(const RunFolder& folder,
                           const CheckpointState& state,
                           const StepReport& layout, const std::string& device,
                           const std::optional<Evaluation>& evaluation);

}  // namespace pipelines

#endif  // PIPELINES_TRAINING_RUN_REPORT_H_
