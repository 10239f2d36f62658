// Tokens between the heads of an attention, and compared with one another.
#ifndef NETWORKS_DINO_HEADS_H_
#define NETWORKS_DINO_HEADS_H_

#include <torch/types.h>

namespace networks::dino {

// [B, heads, T, d] -> [B, T, heads * d].
torch::Tensor ConcatenateHeads(const torch::Tensor& per_head);

// Cosine of the angle between each two tokens of an image, [B, T, C] ->
// [B, T, T]: of keys, the description of structure of [Splice] Eq. (4).
torch::Tensor SelfSimilarity(const torch::Tensor& tokens);

}  // namespace networks::dino

#endif  // NETWORKS_DINO_HEADS_H_
