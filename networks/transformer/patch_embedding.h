// An image cut into square patches, each projected to a token.
#ifndef NETWORKS_TRANSFORMER_PATCH_EMBEDDING_H_
#define NETWORKS_TRANSFORMER_PATCH_EMBEDDING_H_

#include <torch/nn/module.h>
#include <torch/nn/modules/conv.h>
#include <torch/types.h>

#include <cstdint>

namespace networks::transformer {

class PatchEmbeddingImpl : public torch::nn::Module {
 public:
  PatchEmbeddingImpl(int64_t patch_size, int64_t channels);

  // [B, 3, H, W] -> [B, H / patch, W / patch, C]; rows and columns that do not
  // fill a patch are left out.
  torch::Tensor forward(const torch::Tensor& images);

 private:
  torch::nn::Conv2d proj_{nullptr};
};
TORCH_MODULE(PatchEmbedding);

}  // namespace networks::transformer

#endif  // NETWORKS_TRANSFORMER_PATCH_EMBEDDING_H_
