#include "networks/dino/dino_of_weights.h"

#include <torch/types.h>

#include <cstdint>

#include "networks/dino/vision_transformer.h"

namespace networks::dino {
namespace {

// The size of dimension `dim`; 0 if there is no such tensor or dimension.
int64_t SizeOf(const weights::TensorMap& tensors, const std::string& key,
               int64_t dim) {
  const auto found = tensors.find(key);
  if (found == tensors.end() || found->second.dim() <= dim) return 0;
  return found->second.size(dim);
}

bool IsOf(const weights::TensorMap& tensors,
          const VisionTransformerOptions& options) {
  const int64_t side = options.image_size / options.patch_size;
  return SizeOf(tensors, "pos_embed", 1) == 1 + side * side &&
         SizeOf(tensors, "pos_embed", 2) == options.channels &&
         SizeOf(tensors, "patch_embed.proj.weight", 2) == options.patch_size &&
         SizeOf(tensors, "register_tokens", 1) == options.registers &&
         (SizeOf(tensors, "blocks.0.ls1.gamma", 0) > 0) == options.layer_scale;
}

}  // namespace

std::string ModelOfWeights(const weights::TensorMap& tensors) {
  for (const std::string& model : VisionTransformerNames()) {
    if (IsOf(tensors, *VisionTransformerByName(model))) return model;
  }
  return "";
}

}  // namespace networks::dino
