// Starting a training from weights that exist.
#ifndef PIPELINES_TRAINING_INITIAL_WEIGHTS_H_
#define PIPELINES_TRAINING_INITIAL_WEIGHTS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "networks/weights/load.h"
#include "pipelines/model/model.h"

namespace pipelines {

struct InitialWeightsReport : networks::weights::LoadReport {
  // Those of `loaded` that the file has for one candidate motion less.
  std::vector<std::string> widened;
};

// Loads what fits from a checkpoint of ours (its averaged weights where it has
// some; checksum verified), or from any file of weights with the original's
// names (its checkpoints and its predecessor's, safetensors or PyTorch's
// formats). The rest of `model` stays as it is.
//
// Weights for a model without a global transform, as the predecessor's, are
// widened for a `model` with one so that it makes the same frames at first; see
// widen.h.
//
// The errors of ReadWeights; DataLoss if the checksum does not match;
// InvalidArgument, naming the file, some of its names and of the model's, if no
// parameter fits.
absl::StatusOr<InitialWeightsReport> LoadInitialWeights(const std::string& path,
                                                        AnimationModel* model);

// What was loaded, what the file lacks, what it has besides, what has another
// shape and what was widened, a line each.
std::string ReportText(const std::string& path,
                       const InitialWeightsReport& report);

}  // namespace pipelines

#endif  // PIPELINES_TRAINING_INITIAL_WEIGHTS_H_
