#include "networks/sam/sam_of_weights.h"

#include <torch/types.h>

#include <vector>

#include "networks/sam/options.h"

namespace networks::sam {
namespace {

// The tensor by which a network is recognised, and its shape.
struct Mark {
  std::string key;
  std::vector<int64_t> shape;
};

Mark MarkOf(const SamOptions& options) {
  if (options.tiny_vit) {
    const std::vector<int64_t>& channels = options.tiny_vit->channels;
    return {"image_encoder.patch_embed.seq.2.c.weight",
            {channels[0], channels[0] / 2, 3, 3}};
  }
  const ImageEncoderOptions& encoder = options.image_encoder;
  const int64_t side = encoder.image_size / encoder.patch_size;
  return {"image_encoder.pos_embed", {1, side, side, encoder.channels}};
}

}  // namespace

std::string ModelOfWeights(const weights::TensorMap& tensors) {
  for (const std::string& model : SamNames()) {
    const Mark mark = MarkOf(*SamByName(model));
    const auto found = tensors.find(mark.key);
    if (found != tensors.end() && found->second.sizes() == mark.shape) {
      return model;
    }
  }
  return "";
}

}  // namespace networks::sam
