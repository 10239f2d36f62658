// The inpainting network: paints the source in the pose of the driving frame.
//
// Source: [CPABMM] inpainting network, from [TPS]; InpaintingNetwork in
// modules/inpainting_network.py of both codes.
//
// Warping, by the deformation of networks/dense_motion.h, happens at every
// resolution of the encoder; an occlusion map there says what to trust.
#ifndef NETWORKS_INPAINTING_H_
#define NETWORKS_INPAINTING_H_

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>
#include <torch/types.h>

#include <cstdint>
#include <vector>

#include "networks/blocks.h"
#include "networks/inpainting_output.h"

namespace networks {

struct InpaintingOptions {
  int64_t block_expansion =
      64;                      // channels at the image's size; twice a halving
  int64_t max_features = 512;  // the most channels of any map
  // Height and width must be divisible by 2^num_down_blocks.
  int64_t num_down_blocks = 3;
  // One occlusion map a level (at least num_down_blocks + 1 of them, each half
  // the size of the next), or a single one that is resized where needed.
  bool multi_mask = true;
};

// image -> first 7x7 -> DownBlock2d ... (encoder maps; each warped and masked)
// deepest -> (ResBlock2d x2 -> UpBlock2d -> append the encoder's map) ...
//   -> out (1 - o) + largest map -> final 7x7 -> sigmoid
//   -> out (1 - o) + deformed source o, o the largest occlusion map.
//
// The level of 1/2^i of the size uses the i-th occlusion map from the end. For
// num_down_blocks = 3 and four maps that is the original's choice; the
// original's is inconsistent otherwise.
//
// Its blocks are recomputed in a RecomputeScope (networks/recompute.h).
//
// Parameters: first, down_blocks.<i>, resblock.<i>, up_blocks.<i> (the last two
// deepest first), final.
class InpaintingNetworkImpl : public torch::nn::Module {
 public:
  explicit InpaintingNetworkImpl(const InpaintingOptions& options);

  // For training.
  //
  // source:              [B, 3, H, W] in [0, 1].
  // source_from_driving: [B, h, w, 2], a sampling grid of any size.
  // occlusion_maps:      smallest first, as DenseMotionOutput has them.
  InpaintingOutput forward(const torch::Tensor& source,
                           const torch::Tensor& source_from_driving,
                           const std::vector<torch::Tensor>& occlusion_maps,
                           bool with_warped_encoder_maps = true);

  // Encoder maps of `driving` [B, 3, H, W], masked; largest first: the target
  // of the warp loss. Computed without gradient.
  std::vector<torch::Tensor> EncodeDriving(
      const torch::Tensor& driving,
      const std::vector<torch::Tensor>& occlusion_maps);

  // For animation, forward in two parts: once per source, ...
  SourceFeatures EncodeSource(const torch::Tensor& source);

  // ... and once per frame. Features of a batch of one serve any number of
  // deformations.
  InpaintingOutput Render(const SourceFeatures& features,
                          const torch::Tensor& source_from_driving,
                          const std::vector<torch::Tensor>& occlusion_maps,
                          bool with_warped_encoder_maps = false);

  const InpaintingOptions& options() const { return options_; }

 private:
  // Two residual blocks and the up-sampling after them, the deepest level's of
  // index 0; in the memory of x where that can be.
  torch::Tensor PaintLevel(int64_t index, torch::Tensor x);

  // The occlusion map for 1/2^level of the image's size.
  torch::Tensor OcclusionOfLevel(
      const std::vector<torch::Tensor>& occlusion_maps, int64_t level,
      const torch::Tensor& like) const;

  InpaintingOptions options_;
  SameBlock2d first_ = nullptr;
  std::vector<DownBlock2d> down_blocks_;
  std::vector<ResBlock2d> res_blocks_;  // two a level, deepest first
  std::vector<UpBlock2d> up_blocks_;    // deepest first
  SameConv2d final_ = nullptr;
};
TORCH_MODULE(InpaintingNetwork);

}  // namespace networks

#endif  // NETWORKS_INPAINTING_H_
