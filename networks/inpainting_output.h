// What the inpainting network (networks/inpainting.h) keeps of a source and
// what it gives, without the modules that make it.
#ifndef NETWORKS_INPAINTING_OUTPUT_H_
#define NETWORKS_INPAINTING_OUTPUT_H_

#include <torch/types.h>

#include <vector>

namespace networks {

// What the network knows of a source before it is moved.
struct SourceFeatures {
  torch::Tensor image;  // [B, 3, H, W]
  // InpaintingOptions::num_down_blocks + 1 maps of [B, C, H / 2^i, W / 2^i],
  // largest first.
  std::vector<torch::Tensor> encoder_maps;
};

struct InpaintingOutput {
  torch::Tensor prediction;       // [B, 3, H, W] in (0, 1)
  torch::Tensor deformed_source;  // [B, 3, H, W], the source warped as it is
  // Encoder maps of the source, warped and masked; deepest first. Cut off from
  // everything but the deformation: the warp loss is to move only that.
  // Empty unless asked for.
  std::vector<torch::Tensor> warped_encoder_maps;
};

}  // namespace networks

#endif  // NETWORKS_INPAINTING_OUTPUT_H_
