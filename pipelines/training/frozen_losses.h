// The losses that look through frozen networks, made from their configs.
//
// Weights are read from where the config says; a published name that has not
// been fetched is a NotFound error with the command that fetches it. Where the
// config says `untrained`, they are drawn from LibTorch's current seed.
#ifndef PIPELINES_TRAINING_FROZEN_LOSSES_H_
#define PIPELINES_TRAINING_FROZEN_LOSSES_H_

#include <torch/types.h>

#include <optional>

#include "absl/status/statusor.h"
#include "losses/embedding_cache.h"
#include "losses/keypoint_semantic.h"
#include "losses/perceptual.h"
#include "losses/structure_alignment.h"
#include "pipelines/config/config.pb.h"

namespace pipelines {

struct FrozenLosses {
  losses::PerceptualLoss perceptual = nullptr;
  // Null where they are switched off.
  losses::KeypointSemanticLoss semantic = nullptr;
  std::optional<losses::EmbeddingCache> embeddings;
  losses::StructureAlignmentLoss structure = nullptr;
};

// All that `config` asks for, for its frames, on `device`.
absl::StatusOr<FrozenLosses> MakeFrozenLosses(const Config& config,
                                              torch::Device device);

absl::StatusOr<losses::PerceptualLoss> MakePerceptualLoss(
    const PerceptualConfig& config);
absl::StatusOr<losses::KeypointSemanticLoss> MakeSemanticLoss(
    const SemanticConfig& config);
// The disk cache of SAM's embeddings that config.cache_gib() allows, of those
// that are computed as `training` and `device` say. The errors of
// EmbeddingCache::Open.
absl::StatusOr<losses::EmbeddingCache> OpenEmbeddingCache(
    const SemanticConfig& config, const TrainingConfig& training,
    torch::Device device, losses::KeypointSemanticLoss& loss);
absl::StatusOr<losses::StructureAlignmentLoss> MakeStructureLoss(
    const StructureConfig& config);

}  // namespace pipelines

#endif  // PIPELINES_TRAINING_FROZEN_LOSSES_H_
