// The data set that a config asks for.
#ifndef PIPELINES_DATA_DATA_FOLDER_H_
#define PIPELINES_DATA_DATA_FOLDER_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "pipelines/base/work_hooks.h"
#include "pipelines/config/config.pb.h"
#include "pipelines/data/dataset.h"

namespace pipelines {

// The folder with train/ and test/: the one that the config names, or that of
// the bundled puppets, which are made in the cache folder unless they are there
// already. The errors of puppets::MakePuppets.
absl::StatusOr<std::string> DataFolder(const DataConfig& config,
                                       const WorkHooks& hooks = {});

// The same for who needs test/ alone: of the bundled puppets a folder with a
// single training clip, so that no minutes go into those of a large set. Its
// test/ and truth/test/ are byte for byte those of DataFolder.
absl::StatusOr<std::string> TestDataFolder(DataConfig config,
                                           const WorkHooks& hooks = {});

// Opens a split ("train" or "test") of it; augmentation applies to "train"
// only. Warns of each clip that cannot be read and is left out. The errors of
// Dataset::Open; where the folder is not there, with the field that names it.
absl::StatusOr<std::unique_ptr<data::Dataset>> OpenSplit(
    const std::string& folder, const std::string& split,
    const DataConfig& config, uint64_t seed, const WorkHooks& hooks = {});

}  // namespace pipelines

#endif  // PIPELINES_DATA_DATA_FOLDER_H_
