#include "pipelines/checkpoint/original_checkpoint.h"

#include <torch/types.h>

#include <algorithm>
#include <cstdint>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "networks/weights/load.h"
#include "pipelines/config/ranges.h"
#include "pipelines/config/resolve.h"
#include "pipelines/model/model_options.h"
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
                        ": no checkpoint of the original implementation or of "
                        "its thin-plate-spline predecessor"));
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

// What K sets of keypoints a checkpoint has.
struct Sets {
  int64_t count = 0;
  int64_t keypoints = 0;  // of a set
  bool has_global = false;
};

constexpr char kMaps[] = "dense_motion_network.maps.weight";
constexpr char kKeypoints[] = "kp_detector.fg_encoder.fc.bias";
constexpr int64_t kPublishedKeypoints = 5;  // of a set
constexpr int64_t kFewestKeypoints = 3;

// `points` keypoints in `count` sets; no keypoints if they do not divide.
Sets Divide(int64_t points, int64_t count, bool has_global) {
  const bool divides =
      count >= 1 && points % count == 0 && points / count >= kFewestKeypoints;
  return {count, divides ? points / count : 0, has_global};
}

Sets FindSets(Shapes& shapes) {
  const int64_t coordinates = shapes.Size(kKeypoints, 0);
  const int64_t maps = shapes.Size(kMaps, 0);
  if (!shapes.status().ok()) return {};
  // One map is the background's.
  const int64_t points = coordinates % 2 == 0 ? coordinates / 2 : 0;
  const Sets spline = Divide(points, maps - 1, /*has_global=*/false);
  const Sets cpab = Divide(points, maps - 2, /*has_global=*/true);
  if (spline.keypoints == 0 && cpab.keypoints == 0) {
    shapes.Fail(absl::StrCat(kKeypoints, " gives ", coordinates,
                             " coordinates and ", kMaps, " has ", maps,
                             " rows: no whole number of keypoints for each of ",
                             maps - 1, " thin-plate splines, nor of ", maps - 2,
                             " CPAB transformations beside a global one"));
    return {};
  }
  if (spline.keypoints == 0 || cpab.keypoints == 0) {
    return spline.keypoints == 0 ? cpab : spline;
  }
  for (const Sets& sets : {spline, cpab}) {
    if (sets.keypoints == kPublishedKeypoints) return sets;
  }
  shapes.Fail(absl::StrCat(
      kKeypoints, " and ", kMaps, " may mean ", spline.count, " sets of ",
      spline.keypoints, " keypoints for thin-plate splines or ", cpab.count,
      " sets of ", cpab.keypoints, " for CPAB; expected sets of five"));
  return {};
}

void SetMotion(const Sets& sets, ModelConfig* model) {
  if (sets.has_global) return;  // CPAB, the default
  model->set_global_transform(false);
  model->mutable_local()->mutable_thin_plate_original();
  // As it was trained, should it be trained further.
  model->set_gradient(ModelConfig::IMPLICIT);
}

// The hourglass sees the heatmaps and the source as each candidate warps it.
void CheckHourglassInput(Shapes& shapes, const Sets& sets) {
  const std::string name =
      "dense_motion_network.hourglass.encoder.down_blocks.0.conv.weight";
  const int64_t channels = shapes.Size(name, 1);
  const int64_t points = sets.count * sets.keypoints;
  const int64_t candidates = sets.count + 1 + (sets.has_global ? 1 : 0);
  const int64_t expected = points + 1 + 3 * candidates;
  if (!shapes.status().ok() || channels == expected) return;
  shapes.Fail(absl::StrCat("tensor ", name, " has ", channels,
                           " input channels; expected ", expected, " for ",
                           points, " keypoints and ", candidates,
                           " candidate motions"));
}

void SetKeypoints(Shapes& shapes, ModelConfig* model) {
  const Sets sets = FindSets(shapes);
  CheckHourglassInput(shapes, sets);
  if (!shapes.status().ok()) return;
  model->set_num_transforms(static_cast<int>(sets.count));
  model->set_keypoints_per_transform(static_cast<int>(sets.keypoints));
  SetMotion(sets, model);
  model->mutable_detector()->set_width(
      static_cast<int>(shapes.Size("kp_detector.fg_encoder.conv1.weight", 0)));
  model->set_background(shapes.Has("bg_predictor.bg_encoder.conv1.weight"));
}

void SetDenseMotion(Shapes& shapes, DenseMotionConfig* config) {
  const std::string down = "dense_motion_network.hourglass.encoder.down_blocks";
  config->set_num_blocks(static_cast<int>(shapes.Count(down, "conv.weight")));
  // The maps see the hourglass's last features beside its input.
  config->set_block_expansion(
      static_cast<int>(shapes.Size("dense_motion_network.maps.weight", 1) -
                       shapes.Size(absl::StrCat(down, ".0.conv.weight"), 1)));
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

// The file of another method, by modules that only it has.
absl::Status RefuseOtherMethods(const TensorMap& tensors,
                                const std::string& source) {
  struct Method {
    const char* prefix;
    const char* name;
  };
  static constexpr char kFomm[] =
      "the First Order Motion Model (FOMM) or a method made from it";
  constexpr Method kMethods[] = {
      {"region_predictor.", "Articulated Animation (MRAA)"},
      {"generator.pixelwise_flow_predictor.", "Articulated Animation (MRAA)"},
      {"he_estimator.", "One-Shot Free-View Talking Heads (face-vid2vid)"},
      {"kp_detector.predictor.", kFomm},
      {"generator.dense_motion_network.", kFomm},
  };
  for (const Method& method : kMethods) {
    const auto first = tensors.lower_bound(method.prefix);
    if (first == tensors.end() ||
        !absl::StartsWith(first->first, method.prefix)) {
      continue;
    }
    return absl::InvalidArgumentError(absl::StrCat(
        source, ": is a checkpoint of ", method.name, ", by its tensor ",
        first->first,
        ": that method has other networks; use one of this program, of CPABMM "
        "or of the Thin-Plate Spline Motion Model, as tools/bazelw run "
        "//tools:fetch_weights -- tps-vox fetches"));
  }
  return absl::OkStatus();
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
  RETURN_IF_ERROR(RefuseOtherMethods(tensors, source));
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

absl::StatusOr<networks::AvdNetwork> AvdInCheckpoint(
    const TensorMap& tensors, const ModelConfig& config,
    const std::string& source) {
  Shapes shapes(tensors, source);
  if (!shapes.Has("avd_network.id_encoder.0.weight")) return {nullptr};
  const char* const input = "avd_network.id_encoder.0.weight";
  const int64_t points =
      config.num_transforms() * config.keypoints_per_transform();
  if (const int64_t coordinates = shapes.Size(input, 1);
      shapes.status().ok() && coordinates != 2 * points) {
    shapes.Fail(absl::StrCat("the AVD network is for ", coordinates / 2,
                             " keypoints: tensor ", input, " has ", coordinates,
                             " columns; expected ", 2 * points, " for the ",
                             points, " keypoints of the model"));
  }
  AvdConfig sizes;
  sizes.set_identity_bottleneck(
      static_cast<int32_t>(shapes.Size("avd_network.id_encoder.9.weight", 0)));
  sizes.set_pose_bottleneck(static_cast<int32_t>(
      shapes.Size("avd_network.pose_encoder.9.weight", 0)));
  RETURN_IF_ERROR(shapes.status());
  networks::AvdNetwork avd(AvdOptionsOf(config, sizes));
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
