// Weights that a config names, into frozen networks.
#ifndef PIPELINES_CHECKPOINT_PUBLISHED_WEIGHTS_H_
#define PIPELINES_CHECKPOINT_PUBLISHED_WEIGHTS_H_

#include <torch/nn/module.h>

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "networks/weights/load.h"

namespace pipelines {

// Loads the file of a published name (networks/published), which must have been
// fetched to the cache folder, or of a path, told by a slash in it and relative
// to where the user stands. The errors of FindWeights and of LoadFile.
absl::Status LoadPublishedWeights(const std::string& name_or_path,
                                  const networks::weights::LoadOptions& options,
                                  torch::nn::Module& module);

// Whether all of these files are there, by the same names: FindAllWeights. For
// what needs several, so that the user learns of all at once.
absl::Status CheckPublishedWeights(
    const std::vector<std::string>& names_or_paths);

}  // namespace pipelines

#endif  // PIPELINES_CHECKPOINT_PUBLISHED_WEIGHTS_H_
