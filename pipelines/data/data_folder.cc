#include "pipelines/data/data_folder.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "pipelines/base/user_path.h"
#include "pipelines/puppets/puppets.h"
#include "third_party/absl/status_macros.h"

namespace pipelines {
namespace {

// Where the puppets are, a service's user may have no home.
absl::Status NameTheRemedy(const absl::Status& status) {
  if (status.ok() || absl::IsCancelled(status)) return status;
  return absl::Status(
      status.code(),
      absl::StrCat(
          std::string(status.message()),
          "; the bundled puppets are made there: set XDG_CACHE_HOME to "
          "a folder that can be written, or name clips of your own in "
          "data.folder"));
}

absl::StatusOr<std::string> PuppetFolder(const DataConfig& config,
                                         const WorkHooks& hooks) {
  data::PuppetOptions options;
  options.size = std::max(config.height(), config.width());
  options.num_train = config.puppets().num_train();
  options.num_test = config.puppets().num_test();
  options.frames_per_clip = config.puppets().frames_per_clip();
  options.seed = config.puppets().seed();
  options.camera_motion = config.puppets().camera_motion();
  const std::string folder =
      absl::StrCat(CacheFolder(), "/", data::PuppetSetName(options));
  RETURN_IF_ERROR(NameTheRemedy(data::MakePuppets(folder, options, hooks)));
  return folder;
}

data::AugmentationOptions AugmentationOf(const AugmentationConfig& config) {
  data::AugmentationOptions options;
  options.horizontal_flip = config.horizontal_flip();
  options.time_flip = config.time_flip();
  options.brightness = config.brightness();
  options.contrast = config.contrast();
  options.saturation = config.saturation();
  options.hue = config.hue();
  options.max_zoom = config.max_zoom();
  return options;
}

}  // namespace

absl::StatusOr<std::string> DataFolder(const DataConfig& config,
                                       const WorkHooks& hooks) {
  if (config.has_puppets()) return PuppetFolder(config, hooks);
  return UserPath(config.folder());
}

absl::StatusOr<std::unique_ptr<data::Dataset>> OpenSplit(
    const std::string& folder, const std::string& split,
    const DataConfig& config, uint64_t seed, const WorkHooks& hooks) {
  data::DatasetOptions options;
  options.root = folder;
  options.split = split;
  options.image_size = cv::Size(config.width(), config.height());
  options.id_sampling = config.id_sampling();
  options.num_repeats = config.repeats();
  if (split == "train") {
    options.augmentation = AugmentationOf(config.augmentation());
  }
  options.cache_bytes = int64_t{config.cache_mib()} << 20;
  options.max_bad_share = config.max_bad_share();
  options.seed = seed;
  ASSIGN_OR_RETURN(std::unique_ptr<data::Dataset> dataset,
                   data::Dataset::Open(options));
  for (const data::BadClip& clip : dataset->bad_clips()) {
    hooks.Warn(absl::StrCat("left out ", clip.path, ": ", clip.reason));
  }
  return dataset;
}

}  // namespace pipelines
