// Weights that a config names, into frozen networks.
#ifndef PIPELINES_CHECKPOINT_PUBLISHED_WEIGHTS_H_
#define PIPELINES_CHECKPOINT_PUBLISHED_WEIGHTS_H_

#include <torch/nn/module.h>

#include <string>

#include "absl/status/status.h"
#include "networks/weights/load.h"

namespace pipelines {

// Loads the file of a published name (networks/published), which must have been
// fetched to the cache folder, or of a path, told by a slash in it and relative
// to where the user stands. The errors of FindWeights and of LoadFile.
absl::Status LoadPublishedWeights(const std::string& name_or_path,
                                  const networks::weights::LoadOptions& options,
                                  torch::nn::Module& module);

}  // namespace pipelines

#endif  // PIPELINES_CHECKPOINT_PUBLISHED_WEIGHTS_H_
