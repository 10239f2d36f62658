// From the config's messages to the options of data sets.
#ifndef PIPELINES_DATA_DATA_OPTIONS_H_
#define PIPELINES_DATA_DATA_OPTIONS_H_

#include <string>

#include "pipelines/config/config.pb.h"
#include "pipelines/data/augmentation.h"
#include "pipelines/data/dataset.h"
#include "pipelines/puppets/puppets.h"

namespace pipelines {

data::AugmentationOptions AugmentationOptionsOf(
    const AugmentationConfig& config);

// All but `root` and `seed`. Augmentation and the limit of distances are for
// the split "train" only.
data::DatasetOptions DatasetOptionsOf(const DataConfig& config,
                                      const std::string& split);

// Of config.puppets(), in frames as large as the config's longer side.
puppets::PuppetOptions PuppetOptionsOf(const DataConfig& config);

}  // namespace pipelines

#endif  // PIPELINES_DATA_DATA_OPTIONS_H_
