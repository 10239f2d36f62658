// Dense motion: from candidate motions to one deformation and to what it cannot
// explain.
//
// Source: [CPABMM] dense motion network, the blend Eq. (7), which is [TPS]
// Eq. (6) with other candidates; dropout of candidates: [TPS] Eq. (7), (8);
// multi-resolution occlusion maps: [TPS]. DenseMotionNetwork in
// modules/dense_motion.py of both codes.
//
// The candidates themselves come from outside: channel 0 is the background
// (identity or affine, networks/sampling.h), 1 to K the local
// transformations, of any motion model, and K + 1 the global one.
#ifndef NETWORKS_DENSE_MOTION_H_
#define NETWORKS_DENSE_MOTION_H_

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>
#include <torch/types.h>

#include <cstdint>
#include <vector>

#include "networks/antialias.h"
#include "networks/blocks.h"
#include "networks/dense_motion_output.h"
#include "networks/hourglass.h"

namespace networks {

struct DenseMotionOptions {
  int64_t num_transforms = 10;  // K, the local transformations
  int64_t keypoints_per_transform = 5;
  int64_t block_expansion = 64;  // HourglassOptions
  int64_t max_features = 1024;
  int64_t num_blocks = 5;
  // Resolution of the motion relative to the image: a power of two. Height and
  // width of the image times this must be divisible by 2^num_blocks.
  double scale_factor = 0.25;
  // Four occlusion maps, one a resolution of the inpainting network (with a
  // scale factor of 1/4: 1/8, 1/4, 1/2, 1), or a single one at scale_factor.
  bool multi_mask = true;
  // Blends the candidates at the size of the image: logits and candidates,
  // which are smooth, are made larger before the softmax, not their blend,
  // which jumps where parts meet. Made larger, a jump becomes a ramp whose
  // flows point between the parts and leave a thread of what lies there. Off in
  // the original.
  bool blend_at_full_size = false;
  // Of a new network, how much of the warped source its frames show: roughly
  // the last occlusion map, in (0, 1). The original's 0.5 has to learn first
  // that most of a frame is its source.
  double initial_visibility = 0.95;
  // Ablation: without the global transformation there are K + 1 candidates.
  bool global_transform = true;

  // M: all candidates.
  int64_t num_candidates() const {
    return num_transforms + 1 + (global_transform ? 1 : 0);
  }
  // All keypoints.
  int64_t num_keypoints() const {
    return num_transforms * keypoints_per_transform;
  }
};

// [heatmap difference, source warped by each candidate] -> hourglass
//   -> maps 7x7 -> softmax -> contribution maps -> sum of candidates
//      (or of both at the size of the image)
//   -> (the last maps, then UpBlock2d) -> occlusion 7x7 -> sigmoid.
//
// Parameters: hourglass.*, maps.*, up.<i>.*, occlusion.<i>.*; buffer
// down.weight.
class DenseMotionNetworkImpl : public torch::nn::Module {
 public:
  static constexpr int64_t kNumOcclusionMaps = 4;

  explicit DenseMotionNetworkImpl(const DenseMotionOptions& options);

  // The source at the resolution of the motion, anti-aliased:
  // [B, 3, H, W] -> [B, 3, h, w]. Once per source in animation.
  torch::Tensor Downsample(const torch::Tensor& source);

  // source_small:       [B, 3, h, w], from Downsample.
  // heatmap_difference: [B, P + 1, h, w], keypoints/heatmap.h, for the P
  //                     keypoints of an image.
  // candidates:         [B, M, h, w, 2] in [-1, 1], each source_from_driving.
  // keep:               [B, M] bool or undefined: the candidates that are not
  //                     dropped (train only; candidate 0 always stays). The
  //                     others share the whole weight.
  DenseMotionOutput forward(const torch::Tensor& source_small,
                            const torch::Tensor& heatmap_difference,
                            const torch::Tensor& candidates,
                            const torch::Tensor& keep = {});

  const DenseMotionOptions& options() const { return options_; }

 private:
  void InitializeVisibility();
  // [B, M, ., .] from logits.
  static torch::Tensor ContributionMaps(const torch::Tensor& logits,
                                        const torch::Tensor& keep);
  // [B, H, W, 2]: the blend at the size of the image.
  torch::Tensor BlendAtFullSize(const torch::Tensor& logits,
                                const torch::Tensor& candidates,
                                const torch::Tensor& keep) const;
  std::vector<torch::Tensor> PredictOcclusion(
      const std::vector<torch::Tensor>& decoded);

  DenseMotionOptions options_;
  AntiAliasInterpolation2d down_ = nullptr;  // null for a scale of 1
  Hourglass hourglass_ = nullptr;
  SameConv2d maps_ = nullptr;
  std::vector<UpBlock2d> up_;
  std::vector<SameConv2d> occlusion_;
};
TORCH_MODULE(DenseMotionNetwork);

// Softmax over dim 1 of `logits` [B, M, h, w] among the candidates with `keep`
// [B, M] true; channel 0 counts as kept. The weights of the others are 0.
torch::Tensor DropoutSoftmax(const torch::Tensor& logits,
                             const torch::Tensor& keep);

}  // namespace networks

#endif  // NETWORKS_DENSE_MOTION_H_
