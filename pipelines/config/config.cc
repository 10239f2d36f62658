#include "pipelines/config/config.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <fstream>
#include <set>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "google/protobuf/text_format.h"
#include "google/protobuf/util/message_differencer.h"
#include "pipelines/config/override.h"
#include "pipelines/config/ranges.h"
#include "pipelines/config/resolve.h"
#include "pipelines/config/text_format.h"
#include "third_party/absl/status_macros.h"

namespace pipelines {
namespace {

absl::Status Invalid(absl::string_view what) {
  return absl::InvalidArgumentError(what);
}

absl::Status CheckData(const DataConfig& data) {
  if (data.folder().empty() && !data.has_puppets()) {
    return Invalid(
        "data: set data.folder, the folder of your clips, or data.puppets, the "
        "bundled data");
  }
  for (const auto& [side, name] :
       {std::pair(data.height(), "height"), std::pair(data.width(), "width")}) {
    if (side % 32 != 0) {
      return Invalid(
          absl::StrCat("data.", name, " is ", side, "; use a multiple of 32"));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckMotion(const ModelConfig& model) {
  if (model.motion() != ModelConfig::CPAB ||
      model.gradient() != ModelConfig::IMPLICIT) {
    return absl::OkStatus();
  }
  for (const auto& [cpab, name] :
       {std::pair(model.local_cpab(), "local_cpab"),
        std::pair(model.global_cpab(), "global_cpab")}) {
    if (cpab.solver() == CpabConfig::ADAM) {
      return Invalid(absl::StrCat(
          "model.gradient is IMPLICIT, but model.", name,
          ".solver is ADAM, which does not end at a minimum and so has no such "
          "gradient; use DETACHED, or the solver GAUSS_NEWTON"));
    }
  }
  return absl::OkStatus();
}

// Every halving of the hourglass and of the inpainting network must be whole.
absl::Status CheckSizes(const DataConfig& data, const ModelConfig& model) {
  const double scale = model.dense_motion().scale_factor();
  if (std::exp2(std::round(std::log2(scale))) != scale) {
    return Invalid(absl::StrCat("model.dense_motion.scale_factor is ", scale,
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

absl::Status CheckExtractors(const LossConfig& losses) {
  if (losses.semantic().weight() > 0) {
    RETURN_IF_ERROR(CheckWeights("losses.semantic", losses.semantic()));
  }
  if (losses.structure().weight() > 0) {
    RETURN_IF_ERROR(CheckWeights("losses.structure", losses.structure()));
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
      return Invalid(absl::StrCat(
          "losses.perceptual.scales has ", scale, ", which makes frames of ",
          side, " pixels smaller than the 16 that VGG-19 needs"));
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

void MoveFormerFields(Config* config) {
  ModelConfig* model = config->mutable_model();
  for (CpabConfig* cpab :
       {model->mutable_local_cpab(), model->mutable_global_cpab()}) {
    if (!cpab->has_gradient()) continue;
    if (!model->has_gradient()) model->set_gradient(cpab->gradient());
    cpab->clear_gradient();
  }
}

void FillDependentDefaults(Config* config) {
  CpabConfig* global = config->mutable_model()->mutable_global_cpab();
  if (!global->has_cells_x()) global->set_cells_x(6);
  if (!global->has_cells_y()) global->set_cells_y(6);
  CpabConfig* local = config->mutable_model()->mutable_local_cpab();
  // A limb goes on turning beyond its keypoints; those of the whole figure
  // leave little to guess.
  if (!local->has_prior_length()) local->set_prior_length(1);
  if (!global->has_prior_length()) global->set_prior_length(0.3);
  for (CpabConfig* cpab : {local, global}) {
    if (!cpab->has_prior_gradient()) cpab->set_prior_gradient(3);
  }
  PerceptualConfig* perceptual = config->mutable_losses()->mutable_perceptual();
  if (perceptual->layer_weights().empty()) {
    for (int i = 0; i < 5; ++i) perceptual->add_layer_weights(10);
  }
  if (perceptual->scales().empty()) {
    for (const double scale : {1.0, 0.5, 0.25, 0.125}) {
      perceptual->add_scales(scale);
    }
  }
}

absl::Status ValidateForEvaluation(const Config& config) {
  RETURN_IF_ERROR(CheckRanges(config));
  RETURN_IF_ERROR(CheckData(config.data()));
  RETURN_IF_ERROR(CheckMotion(config.model()));
  return CheckSizes(config.data(), config.model());
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
  RETURN_IF_ERROR(
      CheckEmbeddingCache(config.data(), config.losses().semantic()));
  RETURN_IF_ERROR(CheckExtractors(config.losses()));
  RETURN_IF_ERROR(CheckFrozen(config));
  return CheckPerceptual(config.data(), config.losses().perceptual());
}

namespace {

// The config of a text with overrides, completed but not checked.
absl::StatusOr<Config> Complete(Config config,
                                const std::vector<std::string>& overrides) {
  for (const std::string& assignment : overrides) {
    RETURN_IF_ERROR(ApplyOverride(assignment, &config));
  }
  MoveFormerFields(&config);
  FillDependentDefaults(&config);
  return config;
}

absl::Status CheckWith(const Config& of_file,
                       const std::vector<std::string>& overrides) {
  ASSIGN_OR_RETURN(const Config config, Complete(of_file, overrides));
  return ValidateConfig(config);
}

// What is to blame for `error`, which the file with all overrides has: the
// file, if it has it alone; else the override without which it is gone, or all
// of them.
std::string Blame(absl::string_view file, const Config& of_file,
                  const std::vector<std::string>& overrides,
                  const absl::Status& error) {
  if (CheckWith(of_file, {}) == error) return std::string(file);
  for (size_t i = 0; i < overrides.size(); ++i) {
    std::vector<std::string> others = overrides;
    others.erase(others.begin() + static_cast<std::ptrdiff_t>(i));
    if (CheckWith(of_file, others) != error) {
      return absl::StrCat("--set ", overrides[i]);
    }
  }
  return absl::StrCat("--set ", absl::StrJoin(overrides, " --set "));
}

}  // namespace

absl::StatusOr<Config> ParseConfig(absl::string_view name,
                                   absl::string_view text,
                                   const std::vector<std::string>& overrides) {
  Config of_file;
  RETURN_IF_ERROR(ParseTextFormat(name, text, &of_file));
  ASSIGN_OR_RETURN(const Config config, Complete(of_file, overrides));
  if (const absl::Status status = ValidateConfig(config); !status.ok()) {
    return absl::InvalidArgumentError(absl::StrCat(
        Blame(name, of_file, overrides, status), ": ", status.message()));
  }
  return config;
}

absl::StatusOr<Config> LoadConfig(const std::string& path,
                                  const std::vector<std::string>& overrides) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  if (!file || !(text << file.rdbuf())) {
    return absl::NotFoundError(
        absl::StrCat(path, ": cannot read this config file"));
  }
  return ParseConfig(path, text.str(), overrides);
}

std::string ConfigText(const Config& config) {
  google::protobuf::TextFormat::Printer printer;
  // As the schema orders them.
  printer.SetPrintMessageFieldsInIndexOrder(true);
  std::string text;
  printer.PrintToString(config, &text);
  return absl::StrCat(
      "# proto-file: pipelines/config/config.proto\n"
      "# proto-message: pipelines.Config\n",
      text);
}

std::string ResolvedText(const Config& config) {
  Config resolved = config;
  ResolveDefaults(&resolved);
  return ConfigText(resolved);
}

std::vector<std::string> ConfigDifferences(const Config& a, const Config& b) {
  std::string report;
  google::protobuf::util::MessageDifferencer differencer;
  // A field that is unset equals one that is set to its default.
  differencer.set_message_field_comparison(
      google::protobuf::util::MessageDifferencer::EQUIVALENT);
  differencer.ReportDifferencesToString(&report);
  differencer.Compare(a, b);
  return absl::StrSplit(report, '\n', absl::SkipEmpty());
}

}  // namespace pipelines
