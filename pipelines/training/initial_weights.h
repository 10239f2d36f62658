// Starting a training from weights that exist.
#ifndef PIPELINES_TRAINING_INITIAL_WEIGHTS_H_
#define PIPELINES_TRAINING_INITIAL_WEIGHTS_H_

#include <string>

#include "absl/status/statusor.h"
#include "networks/weights/load.h"
#include "pipelines/model/model.h"

namespace pipelines {

// Loads what fits from a checkpoint of ours (its averaged weights where it has
// some; checksum verified), or from any file of weights with the original's
// names (its checkpoints, safetensors or PyTorch's formats). The rest of
// `model` stays as it is.
//
// The errors of ReadWeights; DataLoss if the checksum does not match;
// InvalidArgument if nothing fits.
absl::StatusOr<networks::weights::LoadReport> LoadInitialWeights(
    const std::string& path, AnimationModel* model);

// What was loaded, what the file lacks, what it has besides and what has
// another shape, a line each.
std::string ReportText(const std::string& path,
                       const networks::weights::LoadReport& report);

}  // namespace pipelines

#endif  // PIPELINES_TRAINING_INITIAL_WEIGHTS_H_
