// Keypoint semantic loss: corresponding keypoints of the source and the
// driving image should have the same features in SAM.
//
//   image -> SAM's image encoder (frozen, without gradient) -> embedding
//   keypoints -> SAM's prompt encoder -> point tokens
//   tokens x embedding -> SAM's two-way transformer -> the token of each
//   keypoint: its semantic feature
//
// The loss is the mean distance between the features of corresponding
// keypoints; its gradient reaches the keypoints of both images.
//
// Source: [CPABMM] keypoint semantic loss, on [SAM]: ImageEncoderViT,
// PromptEncoder and TwoWayTransformer in segment_anything/modeling of its code.
// The code of [CPABMM] lacks this loss: what the paper leaves open is an option
// here.
#ifndef LOSSES_KEYPOINT_SEMANTIC_H_
#define LOSSES_KEYPOINT_SEMANTIC_H_

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>
#include <torch/types.h>

#include <cstdint>

#include "losses/distance.h"
#include "networks/sam/options.h"
#include "networks/sam/sam.h"

namespace losses {

struct KeypointSemanticOptions {
  // ViT-B as published; others by networks::sam::SamByName.
  networks::sam::SamOptions extractor;

  // The side of the square at which the extractor sees the images, in pixels,
  // a multiple of its patch size; 0: the size that it was trained at. Others
  // take (input_size / 1024)^2 of the time, by interpolated positions.
  int64_t input_size = 0;

  // How many keypoints, in their order, make up a prompt. They attend to one
  // another, so that a feature depends on the others of its prompt.
  //   0: all of an image (the cheapest: one pass of the decoder an image);
  //   5: one keypoint set, that of a local transform;
  //   1: each alone.
  int64_t keypoints_per_prompt = 0;

  Distance distance = Distance::kL1;

  // The type in which the image encoder multiplies; see
  // StructureAlignmentOptions.
  torch::Dtype multiply_in = torch::kFloat32;
};

// Parameters: extractor.*, none of which requires a gradient; before weights
// are loaded into it, it is random.
class KeypointSemanticLossImpl : public torch::nn::Module {
 public:
  explicit KeypointSemanticLossImpl(const KeypointSemanticOptions& options);

  // source, driving: [B, 3, H, W] in [0, 1]; keypoints: [B, K, 2], (x, y) in
  // [-1, 1]. Returns a scalar, unweighted. Gradients reach the keypoints, not
  // the images.
  torch::Tensor forward(const torch::Tensor& source,
                        const torch::Tensor& driving,
                        const torch::Tensor& source_keypoints,
                        const torch::Tensor& driving_keypoints);

  // Embeddings of images, [B, C, h, w], without gradient: most of the time
  // that the loss takes, and the same whatever the keypoints.
  torch::Tensor Embed(const torch::Tensor& images);

  // The semantic features [B, K, C] of keypoints [B, K, 2] in images of
  // height x width with these embeddings.
  torch::Tensor Features(const torch::Tensor& embeddings, int64_t height,
                         int64_t width, const torch::Tensor& keypoints);

  // forward, given what Embed makes of the images of height x width: for
  // embeddings that are kept (losses/embedding_cache.h).
  torch::Tensor Compare(const torch::Tensor& source_embeddings,
                        const torch::Tensor& driving_embeddings, int64_t height,
                        int64_t width, const torch::Tensor& source_keypoints,
                        const torch::Tensor& driving_keypoints);

  // To load weights into.
  networks::sam::Sam& extractor() { return extractor_; }

 private:
  KeypointSemanticOptions options_;
  networks::sam::Sam extractor_;
};
TORCH_MODULE(KeypointSemanticLoss);

}  // namespace losses

#endif  // LOSSES_KEYPOINT_SEMANTIC_H_
