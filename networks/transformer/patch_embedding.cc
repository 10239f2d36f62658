#include "networks/transformer/patch_embedding.h"

#include <torch/nn/modules/conv.h>
#include <torch/types.h>

namespace networks::transformer {

PatchEmbeddingImpl::PatchEmbeddingImpl(int64_t patch_size, int64_t channels)
    : proj_(register_module(
          "proj",
          torch::nn::Conv2d(torch::nn::Conv2dOptions(3, channels, patch_size)
                                .stride(patch_size)))) {}

torch::Tensor PatchEmbeddingImpl::forward(const torch::Tensor& images) {
  TORCH_CHECK(images.dim() == 4 && images.size(1) == 3,
              "a vision transformer takes images [B, 3, H, W], got ",
              images.sizes());
  return proj_->forward(images).permute({0, 2, 3, 1});
}

}  // namespace networks::transformer
