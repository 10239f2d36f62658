#include "pipelines/checkpoint/original_checkpoint.h"

#include <torch/torch.h>

#include <algorithm>
#include <cstdint>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "networks/weights/load.h"
#include "pipelines/config/ranges.h"
#include "pipelines/config/resolve.h"
#include "third_party/absl/status_macros.h"

namespace pipelines {
namespace {

using networks::weights::TensorMap;

// Looks sizes up by tensor name; the first one that is not there is the error.
class Shapes {
 public:
  Shapes(const TensorMap& tensors, const std::string& source)
      : tensors_(tensors), source_(source) {}

  bool Has(const std::string& name) const { return tensors_.count(name) > 0; }

  // The size of dimension `dim`; 0 on error.
  int64_t Size(const std::string& name, int64_t dim) {
    const auto tensor = tensors_.find(name);
    if (tensor == tensors_.end()) {
      Fail(absl::StrCat("has no tensor ", name,
                        ": no checkpoint of the original implementation"));
      return 0;
    }
    if (tensor->second.dim() <= dim) {
      Fail(absl::StrCat("tensor ", name, " has the shape [",
                        absl::StrJoin(tensor->second.sizes(), ", "), "]"));
      return 0;
    }
    return tensor->second.size(dim);
  }

  // How many of prefix.0, prefix.1, ... have a tensor `rest`.
  int64_t Count(const std::string& prefix, const std::string& rest) const {
    int64_t count = 0;
    while (Has(absl::StrCat(prefix, ".", count, ".", rest))) ++count;
    return count;
  }

  // The largest output width of the convolutions prefix.0, prefix.1, ...
  int64_t LargestWidth(const std::string& prefix) {
    int64_t width = 0;
    for (int64_t i = 0; i < Count(prefix, "conv.weight"); ++i) {
      width = std::max(width,
                       Size(absl::StrCat(prefix, ".", i, ".conv.weight"), 0));
    }
    return width;
  }

  void Fail(const std::string& message) {
    if (status_.ok()) {
      status_ =
          absl::InvalidArgumentError(absl::StrCat(source_, ": ", message));
    }
  }
  const absl::Status& status() const { return status_; }

 private:
  const TensorMap& tensors_;
  const std::string& source_;
  absl::Status status_;
};

// The side of the anti-aliasing kernel tells by how much it goes down.
double ScaleFactor(Shapes& shapes) {
  if (!shapes.Has("dense_motion_network.down.weight")) return 1;
  switch (const int64_t side =
              shapes.Size("dense_motion_network.down.weight", 2)) {
    case 5:
      return 0.5;
    case 13:
      return 0.25;
    case 29:
      return 0.125;
    default:
      shapes.Fail(absl::StrCat("dense_motion_network.down.weight is ", side,
                               " wide; known are 5, 13 and 29"));
      return 1;
  }
}

void SetKeypoints(Shapes& shapes, ModelConfig* model) {
  const int64_t outputs = shapes.Size("kp_detector.fg_encoder.fc.bias", 0);
  // Background, one a transformation, and the global one.
  const int64_t transforms =
      shapes.Size("dense_motion_network.maps.weight", 0) - 2;
  if (!shapes.status().ok()) return;
  if (transforms < 1 || outputs % (2 * transforms) != 0) {
    return shapes.Fail(absl::StrCat(
        "kp_detector.fg_encoder.fc.bias gives ", outputs,
        " coordinates, which are no whole number of keypoints for each of the ",
        transforms, " transformations of dense_motion_network.maps.weight"));
  }
  model->set_num_transforms(static_cast<int>(transforms));
  model->set_keypoints_per_transform(
      static_cast<int>(outputs / (2 * transforms)));
  model->mutable_detector()->set_width(
      static_cast<int>(shapes.Size("kp_detector.fg_encoder.conv1.weight", 0)));
  model->set_background(shapes.Has("bg_predictor.bg_encoder.conv1.weight"));
}

void SetDenseMotion(Shapes& shapes, DenseMotionConfig* config) {
  const std::string down = "dense_motion_network.hourglass.encoder.down_blocks";
  config->set_num_blocks(static_cast<int>(shapes.Count(down, "conv.weight")));
  // The first block doubles.
  config->set_block_expansion(static_cast<int>(
      shapes.Size(absl::StrCat(down, ".0.conv.weight"), 0) / 2));
  config->set_max_features(static_cast<int>(shapes.LargestWidth(down)));
  config->set_scale_factor(ScaleFactor(shapes));
  config->set_multi_mask(
      shapes.Count("dense_motion_network.occlusion", "weight") > 1);
}

void SetInpainting(Shapes& shapes, InpaintingConfig* config) {
  const std::string down = "inpainting_network.down_blocks";
  config->set_num_down_blocks(
      static_cast<int>(shapes.Count(down, "conv.weight")));
  config->set_block_expansion(
      static_cast<int>(shapes.Size("inpainting_network.first.conv.weight", 0)));
  config->set_max_features(static_cast<int>(shapes.LargestWidth(down)));
}

// What the shapes say may still be no model that we build.
absl::Status CheckModel(const Config& config, const std::string& source) {
  const absl::Status status = CheckRanges(config);
  return status.ok() ? status
                     : absl::InvalidArgumentError(absl::StrCat(
                           source, ": told from the shapes of its tensors, ",
                           status.message()));
}

}  // namespace

absl::StatusOr<Config> ConfigOfOriginal(const TensorMap& tensors,
                                        const std::string& source) {
  Shapes shapes(tensors, source);
  Config config;
  SetKeypoints(shapes, config.mutable_model());
  SetDenseMotion(shapes, config.mutable_model()->mutable_dense_motion());
  SetInpainting(shapes, config.mutable_model()->mutable_inpainting());
  RETURN_IF_ERROR(shapes.status());
  // What the original trains with; a config must say by what VGG-19 its
  // perceptual loss compares, also where no training follows.
  config.mutable_losses()->mutable_perceptual()->set_weights(
      "vgg19-dcbb9e9d.pth");
  FillDefaults(&config);
  RETURN_IF_ERROR(CheckModel(config, source));
  return config;
}

absl::StatusOr<networks::AvdNetwork> AvdOfOriginal(const TensorMap& tensors,
                                                   const ModelConfig& config,
                                                   const std::string& source) {
  Shapes shapes(tensors, source);
  if (!shapes.Has("avd_network.id_encoder.0.weight")) return {nullptr};
  networks::AvdOptions options;
  options.num_transforms = config.num_transforms();
  options.keypoints_per_transform = config.keypoints_per_transform();
  options.identity_bottleneck =
      shapes.Size("avd_network.id_encoder.9.weight", 0);
  options.pose_bottleneck = shapes.Size("avd_network.pose_encoder.9.weight", 0);
  RETURN_IF_ERROR(shapes.status());
  networks::AvdNetwork avd(options);
  networks::weights::LoadOptions load;
  load.key_map = networks::weights::StripPrefix("avd_network.");
  RETURN_IF_ERROR(
      networks::weights::LoadInto(*avd, tensors, load, source).status());
  avd->eval();
  return avd;
}

bool IsAnimationWeight(const std::string& name) {
  for (const char* prefix : {"kp_detector.", "dense_motion_network.",
                             "inpainting_network.", "bg_predictor."}) {
    if (absl::StartsWith(name, prefix)) return true;
  }
  return false;
}

}  // namespace pipelines
