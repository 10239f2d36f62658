#include "pipelines/data/data_options.h"

#include <algorithm>
#include <cstdint>

namespace pipelines {

data::AugmentationOptions AugmentationOptionsOf(
    const AugmentationConfig& config) {
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

data::DatasetOptions DatasetOptionsOf(const DataConfig& config,
                                      const std::string& split) {
  data::DatasetOptions options;
  options.split = split;
  options.image_size = cv::Size(config.width(), config.height());
  options.repeats = config.repeats();
  if (split == "train") {
    options.id_sampling = config.id_sampling();
    options.augmentation = AugmentationOptionsOf(config.augmentation());
    options.frame_distance.start = config.frame_distance().start();
    options.frame_distance.doubling_epochs =
        config.frame_distance().doubling_epochs();
  }
  options.cache_bytes = int64_t{config.cache_mib()} << 20;
  options.max_bad_share = config.max_bad_share();
  return options;
}

puppets::PuppetOptions PuppetOptionsOf(const DataConfig& config) {
  puppets::PuppetOptions options;
  options.size = std::max(config.height(), config.width());
  options.num_train = config.puppets().num_train();
  options.num_test = config.puppets().num_test();
  options.frames_per_clip = config.puppets().frames_per_clip();
  options.seed = config.puppets().seed();
  options.camera_motion = config.puppets().camera_motion();
  return options;
}

}  // namespace pipelines
