#include "pipelines/config/validate.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "pipelines/base/format_number.h"
#include "pipelines/config/ranges.h"
#include "third_party/absl/status_macros.h"

namespace pipelines {
namespace {

// Of puppets/puppets.h.
constexpr int kMaxPuppetSide = 1024;
constexpr int kMaxPuppetClipPixels = 447392426;

absl::Status Invalid(absl::string_view what) {
  return absl::InvalidArgumentError(what);
}

absl::Status CheckData(const DataConfig& data) {
  if (data.folder().empty() && !data.has_puppets()) {
    return Invalid(
        "data: set data.folder, the folder of your clips, or data.puppets, the "
        "bundled data");
  }
  if (!data.has_puppets()) return absl::OkStatus();
  for (const auto& [side, name] :
       {std::pair(data.height(), "height"), std::pair(data.width(), "width")}) {
    if (side > kMaxPuppetSide) {
      return Invalid(absl::StrCat("data.", name, " is ", side,
                                  ", and data.puppets are made up to ",
                                  kMaxPuppetSide,
                                  "; use at most that, or clips of your own in "
                                  "data.folder"));
    }
  }
  const int side = std::max(data.height(), data.width());
  const int most = kMaxPuppetClipPixels / (side * side);
  if (data.puppets().frames_per_clip() > most) {
    return Invalid(absl::StrCat("data.puppets.frames_per_clip is ",
                                data.puppets().frames_per_clip(),
                                "; use at most ", most, " of this size"));
  }
  return absl::OkStatus();
}

absl::Status CheckGradient(const ModelConfig& model) {
  if (model.gradient() != ModelConfig::IMPLICIT) return absl::OkStatus();
  for (const auto& [motion, name, is_used] :
       {std::tuple(model.local(), "local", true),
        std::tuple(model.global(), "global", model.global_transform())}) {
    // Without a motion that is set, it is CPAB by Gauss-Newton.
    if (is_used && motion.cpab().solver() == CpabConfig::ADAM) {
      return Invalid(absl::StrCat(
          "model.gradient is IMPLICIT, but model.", name,
          ".cpab.solver is ADAM, which does not end at a minimum and so has no "
          "such gradient; use DETACHED, or the solver GAUSS_NEWTON"));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckDetectorSize(const DataConfig& data) {
  for (const auto& [side, name] :
       {std::pair(data.height(), "height"), std::pair(data.width(), "width")}) {
    if (side % 32 != 0) {
      return Invalid(
          absl::StrCat("data.", name, " is ", side, "; use a multiple of 32"));
    }
  }
  return absl::OkStatus();
}

// The keypoint detector halves five times; of one value a channel its batch
// norms take no statistics.
absl::Status CheckBatch(const DataConfig& data,
                        const TrainingConfig& training) {
  if (training.batch_size() > 1 || data.height() > 32 || data.width() > 32) {
    return absl::OkStatus();
  }
  return Invalid(absl::StrCat(
      "training.batch_size is ", training.batch_size(),
      " in each process, too few for the batch norms of the keypoint detector "
      "with frames of 32x32; use 2 or more, or larger frames"));
}

// Every halving of the hourglass and of the inpainting network must be whole.
absl::Status CheckSizes(const DataConfig& data, const ModelConfig& model) {
  const double scale = model.dense_motion().scale_factor();
  if (std::exp2(std::round(std::log2(scale))) != scale) {
    return Invalid(absl::StrCat("model.dense_motion.scale_factor is ",
                                FormatNumber(scale),
                                "; use 0.125, 0.25, 0.5 or 1"));
  }
  const int hourglass = 1 << model.dense_motion().num_blocks();
  const int inpainting = 1 << model.inpainting().num_down_blocks();
  for (const int side : {data.height(), data.width()}) {
    if (static_cast<int>(side * scale) % hourglass != 0) {
      return Invalid(absl::StrCat(
          "model.dense_motion.num_blocks is ",
          model.dense_motion().num_blocks(), ", but a motion field of ",
          static_cast<int>(side * scale),
          " pixels cannot be halved that often; use fewer blocks or larger "
          "frames"));
    }
    if (side % inpainting != 0) {
      return Invalid(absl::StrCat("model.inpainting.num_down_blocks is ",
                                  model.inpainting().num_down_blocks(),
                                  ", but a side of ", side,
                                  " pixels cannot be halved that often"));
    }
  }
  // Of four occlusion maps, those no larger than the motion are decoded by the
  // hourglass.
  const int decoded = 4 + static_cast<int>(std::log2(scale));
  if (model.dense_motion().multi_mask() &&
      model.dense_motion().num_blocks() < decoded) {
    return Invalid(absl::StrCat("model.dense_motion.num_blocks is ",
                                model.dense_motion().num_blocks(),
                                "; with multi_mask, a scale_factor of ", scale,
                                " needs ", decoded, " blocks or more"));
  }
  if (model.dense_motion().multi_mask() &&
      model.inpainting().num_down_blocks() != 3) {
    return Invalid(
        "model.inpainting.num_down_blocks must be 3 with "
        "model.dense_motion.multi_mask: there are four occlusion maps");
  }
  return absl::OkStatus();
}

// The first layers have block_expansion channels, which the others take for no
// more than max_features.
absl::Status CheckChannels(const ModelConfig& model) {
  const auto check = [](absl::string_view path, int block_expansion,
                        int max_features) {
    if (max_features >= block_expansion) return absl::OkStatus();
    return Invalid(absl::StrCat(path, ".max_features is ", max_features,
                                ", less than ", path, ".block_expansion, ",
                                block_expansion,
                                "; use at least that, or a smaller "
                                "block_expansion"));
  };
  RETURN_IF_ERROR(check("model.dense_motion",
                        model.dense_motion().block_expansion(),
                        model.dense_motion().max_features()));
  return check("model.inpainting", model.inpainting().block_expansion(),
               model.inpainting().max_features());
}

// A frozen network has weights, or says that it has none.
template <typename LossTermConfig>
absl::Status CheckWeights(absl::string_view path, const LossTermConfig& term) {
  if (term.weights().empty() == term.untrained()) return absl::OkStatus();
  return Invalid(absl::StrCat(
      path,
      ": name a file of weights in `weights`, or say `untrained: true` to "
      "use random ones (not both)"));
}

// A cache is of use where the same images come again.
absl::Status CheckEmbeddingCache(const DataConfig& data,
                                 const SemanticConfig& semantic) {
  const AugmentationConfig& varied = data.augmentation();
  if (semantic.cache_gib() == 0 ||
      (varied.brightness() == 0 && varied.contrast() == 0 &&
       varied.saturation() == 0 && varied.hue() == 0 &&
       varied.max_zoom() == 0)) {
    return absl::OkStatus();
  }
  return Invalid(
      "losses.semantic.cache_gib: no frame comes twice with random colours or "
      "zoom (data.augmentation); set one of the two to 0");
}

// What SAM sees are whole patches, and whole prompts of keypoints.
absl::Status CheckSemantic(const ModelConfig& model,
                           const SemanticConfig& semantic) {
  constexpr int kPatch = 16;  // of all of //networks/sam
  RETURN_IF_ERROR(CheckWeights("losses.semantic", semantic));
  if (semantic.input_size() % kPatch != 0) {
    return Invalid(absl::StrCat("losses.semantic.input_size is ",
                                semantic.input_size(), "; use a multiple of ",
                                kPatch));
  }
  const int keypoints =
      model.num_transforms() * model.keypoints_per_transform();
  const int per_prompt = semantic.keypoints_per_prompt();
  if (per_prompt > 0 && keypoints % per_prompt != 0) {
    return Invalid(absl::StrCat(
        "losses.semantic.keypoints_per_prompt is ", per_prompt,
        "; use a number that divides the model's ", keypoints, " keypoints"));
  }
  return absl::OkStatus();
}

absl::Status CheckStructure(const StructureConfig& structure) {
  RETURN_IF_ERROR(CheckWeights("losses.structure", structure));
  if (structure.max_size() >= structure.input_size()) return absl::OkStatus();
  return Invalid(absl::StrCat(
      "losses.structure.max_size is ", structure.max_size(),
      ", less than input_size, ", structure.input_size(),
      ", which then has no effect; use at least that, or an input_size of ",
      structure.max_size(), ", with which a run that began so goes on"));
}

absl::Status CheckExtractors(const ModelConfig& model,
                             const LossConfig& losses) {
  if (losses.semantic().weight() > 0) {
    RETURN_IF_ERROR(CheckSemantic(model, losses.semantic()));
  }
  if (losses.structure().weight() > 0) {
    RETURN_IF_ERROR(CheckStructure(losses.structure()));
  }
  return absl::OkStatus();
}

// The parts of the model's weights, as AnimationModel names them.
std::vector<std::string> PartsOf(const ModelConfig& model) {
  std::vector<std::string> parts = {"kp_detector", "dense_motion_network",
                                    "inpainting_network"};
  if (model.background()) parts.push_back("bg_predictor");
  return parts;
}

// Names inside of a module are checked by the model.
absl::Status CheckFrozen(const Config& config) {
  const std::vector<std::string> parts = PartsOf(config.model());
  std::set<std::string> trained(parts.begin(), parts.end());
  for (const std::string& frozen : config.training().frozen()) {
    const std::string part = frozen.substr(0, frozen.find('.'));
    if (std::find(parts.begin(), parts.end(), part) == parts.end()) {
      return Invalid(absl::StrCat("training.frozen has '", frozen,
                                  "'; the model's modules are ",
                                  absl::StrJoin(parts, ", ")));
    }
    if (part == frozen) trained.erase(part);
  }
  if (!trained.empty()) return absl::OkStatus();
  return Invalid(
      "training.frozen has all modules of the model, so nothing is left to "
      "train");
}

absl::Status CheckPerceptual(const DataConfig& data,
                             const PerceptualConfig& perceptual) {
  if (perceptual.layer_weights_size() != 5) {
    return Invalid(absl::StrCat("losses.perceptual.layer_weights has ",
                                perceptual.layer_weights_size(),
                                " elements; give one for each of 5 layers"));
  }
  const int side = std::min(data.height(), data.width());
  for (const double scale : perceptual.scales()) {
    // VGG-19 halves four times.
    if (side * scale < 16) {
      return Invalid(
          absl::StrCat("losses.perceptual.scales has ", FormatNumber(scale),
                       ", which makes frames of ", side,
                       " pixels smaller than the 16 that VGG-19 needs"));
    }
  }
  RETURN_IF_ERROR(CheckWeights("losses.perceptual", perceptual));
  if (perceptual.width() != 64 && !perceptual.untrained()) {
    return Invalid(
        "losses.perceptual.width other than 64 needs `untrained: true`");
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status ValidateFrameSize(const Config& config) {
  RETURN_IF_ERROR(CheckDetectorSize(config.data()));
  return CheckSizes(config.data(), config.model());
}

absl::Status ValidateForEvaluation(const Config& config) {
  RETURN_IF_ERROR(CheckRanges(config));
  RETURN_IF_ERROR(CheckData(config.data()));
  RETURN_IF_ERROR(CheckGradient(config.model()));
  RETURN_IF_ERROR(CheckChannels(config.model()));
  return ValidateFrameSize(config);
}

absl::Status ValidateConfig(const Config& config) {
  if (config.training().motion_steps() > 0 &&
      config.losses().photometric() == 0) {
    return Invalid(
        "training.motion_steps needs losses.photometric, from which motion is "
        "learned in these steps; set it to some hundreds, or motion_steps to "
        "0");
  }
  RETURN_IF_ERROR(ValidateForEvaluation(config));
  RETURN_IF_ERROR(CheckBatch(config.data(), config.training()));
  RETURN_IF_ERROR(
      CheckEmbeddingCache(config.data(), config.losses().semantic()));
  RETURN_IF_ERROR(CheckExtractors(config.model(), config.losses()));
  RETURN_IF_ERROR(CheckFrozen(config));
  return CheckPerceptual(config.data(), config.losses().perceptual());
}

}  // namespace pipelines
