#include "pipelines/training/frozen_losses.h"

#include <ATen/CPUGeneratorImpl.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "networks/dino/dino_input.h"
#include "networks/dino/dino_of_weights.h"
#include "networks/sam/sam_of_weights.h"
#include "networks/scoped_seed.h"
#include "networks/weights/key_map.h"
#include "networks/weights/load.h"
#include "networks/weights/tensor_map.h"
#include "pipelines/app/exit_code.h"
#include "pipelines/base/user_path.h"
#include "pipelines/checkpoint/published_weights.h"
#include "third_party/absl/status_macros.h"

namespace pipelines {
namespace {

using networks::weights::LoadOptions;
using networks::weights::TensorMap;

losses::Distance DistanceOf(Distance distance) {
  switch (distance) {
    case L2:
      return losses::Distance::kL2;
    case COSINE:
      return losses::Distance::kCosine;
    default:
      return losses::Distance::kL1;
  }
}

// The files that the frozen networks of `config` are read from.
std::vector<std::string> WeightsOf(const LossConfig& config) {
  std::vector<std::string> files;
  if (!config.perceptual().untrained()) {
    files.push_back(config.perceptual().weights());
  }
  if (config.semantic().weight() > 0 && !config.semantic().untrained()) {
    files.push_back(config.semantic().weights());
  }
  if (config.structure().weight() > 0 && !config.structure().untrained()) {
    files.push_back(config.structure().weights());
  }
  return files;
}

// What a file of another network is.
std::string NameOfDino(const TensorMap& tensors) {
  const std::string model = networks::dino::ModelOfWeights(tensors);
  return model.empty()
             ? ""
             : absl::StrCat("these are the weights of ", model,
                            ", so set losses.structure.model to that");
}

std::string NameOfSam(const TensorMap& tensors) {
  const std::string model = networks::sam::ModelOfWeights(tensors);
  return model.empty() ? ""
                       : absl::StrCat("these are the weights of ", model,
                                      ", so set losses.semantic.model to that");
}

absl::Status CheckLayers(const StructureConfig& config, int64_t depth) {
  for (const int layer : config.layers()) {
    if (layer >= -depth && layer < depth) continue;
    return absl::InvalidArgumentError(absl::StrCat(
        "losses.structure.layers has ", layer, "; ", config.model(), " has ",
        depth, " layers: use -", depth, " to ", depth - 1));
  }
  return absl::OkStatus();
}

networks::dino::PreparationOptions PreparationOf(
    const StructureConfig& config) {
  return {config.input_size(), config.max_size()};
}

// DINO sees whole patches, one or more along each side.
absl::Status CheckPatches(const StructureConfig& config,
                          const DataConfig& data) {
  ASSIGN_OR_RETURN(const auto extractor,
                   networks::dino::VisionTransformerByName(config.model()));
  const std::vector<int64_t> size = networks::dino::PreparedSize(
      data.height(), data.width(), PreparationOf(config));
  if (std::min(size[0], size[1]) >= extractor.patch_size) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "losses.structure.input_size is ", config.input_size(), " and max_size ",
      config.max_size(), ", by which ", config.model(), " would see frames of ",
      data.height(), "x", data.width(), " at ", size[0], "x", size[1],
      ", smaller than its patches of ", extractor.patch_size,
      " pixels; use larger ones"));
}

}  // namespace

absl::StatusOr<losses::PerceptualLoss> MakePerceptualLoss(
    const PerceptualConfig& config) {
  losses::PerceptualOptions options;
  options.scales.assign(config.scales().begin(), config.scales().end());
  std::copy(config.layer_weights().begin(), config.layer_weights().end(),
            options.layer_weights.begin());
  options.vgg_width = config.width();
  losses::PerceptualLoss loss(options);
  if (!config.untrained()) {
    LoadOptions load;
    load.key_map = networks::VggKeyFromTorchvision;
    load.optional = {"mean", "std"};
    RETURN_IF_ERROR(LoadPublishedWeights(config.weights(), load, *loss->vgg()));
  }
  return loss;
}

absl::StatusOr<losses::KeypointSemanticLoss> MakeSemanticLoss(
    const SemanticConfig& config) {
  losses::KeypointSemanticOptions options;
  const auto extractor = networks::sam::SamByName(config.model());
  RETURN_IF_ERROR(UsageError(extractor.status()));
  options.extractor = *extractor;
  options.input_size = config.input_size();
  options.keypoints_per_prompt = config.keypoints_per_prompt();
  options.distance = DistanceOf(config.distance());
  if (config.bfloat16()) options.multiply_in = torch::kBFloat16;
  losses::KeypointSemanticLoss loss(options);
  if (!config.untrained()) {
    LoadOptions load;
    load.key_map = networks::weights::SegmentAnything();
    load.name_of = NameOfSam;
    RETURN_IF_ERROR(
        LoadPublishedWeights(config.weights(), load, *loss->extractor()));
  }
  return loss;
}

absl::StatusOr<losses::EmbeddingCache> OpenEmbeddingCache(
    const SemanticConfig& config, const TrainingConfig& training,
    torch::Device device, losses::KeypointSemanticLoss& loss) {
  losses::EmbeddingCacheOptions options;
  options.folder = absl::StrCat(CacheFolder(), "/sam_embeddings");
  options.extractor = absl::StrCat(
      losses::ExtractorName(*loss->extractor()->image_encoder), " at ",
      config.input_size(), config.bfloat16() ? " bfloat16" : "", " in ",
      TrainingConfig::Precision_Name(training.precision()),
      training.tf32() ? " with TF32" : "", " on ",
      torch::DeviceTypeName(device.type()));
  options.budget = static_cast<int64_t>(config.cache_gib() * (1 << 30));
  return losses::EmbeddingCache::Open(std::move(options));
}

absl::StatusOr<losses::StructureAlignmentLoss> MakeStructureLoss(
    const StructureConfig& config) {
  losses::StructureAlignmentOptions options;
  ASSIGN_OR_RETURN(options.extractor,
                   networks::dino::VisionTransformerByName(config.model()));
  options.preparation = PreparationOf(config);
  RETURN_IF_ERROR(UsageError(CheckLayers(config, options.extractor.depth)));
  if (!config.layers().empty()) {
    options.layers.assign(config.layers().begin(), config.layers().end());
  }
  options.distance = DistanceOf(config.distance());
  if (config.bfloat16()) options.multiply_in = torch::kBFloat16;
  losses::StructureAlignmentLoss loss(options);
  if (!config.untrained()) {
    LoadOptions load;
    load.key_map = networks::weights::DinoBackbone();
    load.name_of = NameOfDino;
    RETURN_IF_ERROR(
        LoadPublishedWeights(config.weights(), load, *loss->extractor()));
  }
  return loss;
}

absl::StatusOr<FrozenLosses> MakeFrozenLosses(const Config& of_run,
                                              torch::Device device) {
  const LossConfig& config = of_run.losses();
  if (config.structure().weight() > 0) {
    RETURN_IF_ERROR(
        UsageError(CheckPatches(config.structure(), of_run.data())));
  }
  RETURN_IF_ERROR(CheckPublishedWeights(WeightsOf(config)));
  FrozenLosses frozen;
  // A seed for each, so that what is switched off, or of another width, does
  // not change the untrained weights of the others.
  const uint64_t seed = at::detail::getDefaultCPUGenerator().current_seed();
  ASSIGN_OR_RETURN(frozen.perceptual, MakePerceptualLoss(config.perceptual()));
  frozen.perceptual->to(device);
  if (config.semantic().weight() > 0) {
    const networks::ScopedSeed scope(seed + 1);
    ASSIGN_OR_RETURN(frozen.semantic, MakeSemanticLoss(config.semantic()));
    frozen.semantic->to(device);
    if (config.semantic().cache_gib() > 0) {
      ASSIGN_OR_RETURN(frozen.embeddings,
                       OpenEmbeddingCache(config.semantic(), of_run.training(),
                                          device, frozen.semantic));
    }
  }
  if (config.structure().weight() > 0) {
    const networks::ScopedSeed scope(seed + 2);
    ASSIGN_OR_RETURN(frozen.structure, MakeStructureLoss(config.structure()));
    frozen.structure->to(device);
  }
  return frozen;
}

}  // namespace pipelines
