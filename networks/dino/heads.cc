#include "networks/dino/heads.h"

#include <torch/types.h>

namespace networks::dino {

using torch::Tensor;

Tensor ConcatenateHeads(const Tensor& per_head) {
  return per_head.transpose(1, 2).flatten(2);
}

Tensor SelfSimilarity(const Tensor& tokens) {
  constexpr double kLeastNormProduct = 1e-8;                  // the original's
  const Tensor norms = tokens.norm(2, -1, /*keepdim=*/true);  // [B, T, 1]
  const Tensor norm_products = torch::matmul(norms, norms.transpose(1, 2));
  return torch::matmul(tokens, tokens.transpose(1, 2)) /
         norm_products.clamp_min(kLeastNormProduct);
}

}  // namespace networks::dino
