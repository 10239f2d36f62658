#include "networks/dino/heads.h"

#include <torch/types.h>

#include "networks/exact_scope.h"

namespace networks::dino {

using torch::Tensor;

Tensor ConcatenateHeads(const Tensor& per_head) {
  return per_head.transpose(1, 2).flatten(2);
}

Tensor SelfSimilarity(const Tensor& tokens) {
  constexpr double kLeastNormProduct = 1e-8;  // the original's
  // Two maps differ by hundredths: bfloat16 tells a few of these apart, and
  // float16 rounds their gradients to zero.
  const ExactScope exact(tokens.device());
  const Tensor norms = tokens.norm(2, -1, /*keepdim=*/true);  // [B, T, 1]
  const Tensor norm_products = torch::matmul(norms, norms.transpose(1, 2));
  return torch::matmul(tokens, tokens.transpose(1, 2)) /
         norm_products.clamp_min(kLeastNormProduct);
}

}  // namespace networks::dino
