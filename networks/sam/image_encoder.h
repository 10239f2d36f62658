// SAM's image encoder: a vision transformer whose blocks attend within windows
// except for a few that see the whole map.
//
//   image -> patches -> + position -> block x depth -> neck -> embedding
//   block: x + attention(norm1(x)), then x + perceptron(norm2(x))
//   neck:  conv1x1 -> norm -> conv3x3 -> norm
//
// Source: [SAM]; decomposed relative positions: [MViTv2].
#ifndef NETWORKS_SAM_IMAGE_ENCODER_H_
#define NETWORKS_SAM_IMAGE_ENCODER_H_

#include <torch/nn/modules/container/modulelist.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/types.h>

#include <cstdint>

#include "networks/sam/encoder.h"
#include "networks/sam/options.h"
#include "networks/transformer/patch_embedding.h"

namespace networks::sam {

class ImageEncoderImpl : public EncoderImpl {
 public:
  explicit ImageEncoderImpl(const ImageEncoderOptions& options);

  // S is the options' image_size, or any other multiple of the patch size: the
  // position embeddings are then interpolated, which the network was not
  // trained for, but which costs (S / image_size)^2 of the time.
  torch::Tensor forward(const torch::Tensor& images) override;

  // The map after patches, positions and the blocks 0 .. last, [B, H, W, C].
  torch::Tensor BlockOutput(const torch::Tensor& images, int64_t last);

  const ImageEncoderOptions& options() const { return options_; }

 private:
  torch::Tensor Embed(const torch::Tensor& images);

  ImageEncoderOptions options_;
  torch::Tensor position_embedding_;  // [1, S / patch, S / patch, C]
  transformer::PatchEmbedding patch_embedding_{nullptr};
  torch::nn::ModuleList blocks_;
  torch::nn::Sequential neck_;
};
TORCH_MODULE(ImageEncoder);

}  // namespace networks::sam

#endif  // NETWORKS_SAM_IMAGE_ENCODER_H_
