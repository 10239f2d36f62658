// Scaled dot-product attention in memory that does not grow with Tq * Tk.
//
// The scores are computed, softmaxed and used block by block, and computed
// again in the backward pass instead of being kept: with 3601 tokens (DINO
// ViT-B/8 at 480 x 480) the attention maps of one layer and image are 620 MB.
// Only tensor operations, so it runs on every device and floating dtype.
//
// Shapes: N = batch * heads; Tq queries, Tk keys, d channels a head.
// Source: [Transformer] Eq. (1); decomposed biases: [MViTv2].
#ifndef NETWORKS_TRANSFORMER_ATTENTION_H_
#define NETWORKS_TRANSFORMER_ATTENTION_H_

#include <torch/types.h>

#include <cstdint>

namespace networks::transformer {

// What the scores of keys that lie on a map of [R, C], R * C = Tk, grow by:
// the score of query i and the key at row y, column x by
// rows[n, i, y] + columns[n, i, x]. Undefined tensors: nothing.
struct DecomposedBias {
  torch::Tensor rows;     // [N, Tq, R]
  torch::Tensor columns;  // [N, Tq, C]
};

// softmax(scale * query key^T + bias) value, the softmax over the keys.
//
// query [N, Tq, d], key [N, Tk, d], value [N, Tk, d'], of one dtype and device.
// Returns [N, Tq, d'], differentiable once in all of them.
torch::Tensor Attend(const torch::Tensor& query, const torch::Tensor& key,
                     const torch::Tensor& value, double scale,
                     const DecomposedBias& bias = {});

// As above, with at most `max_scores` scores (at least one query's) in memory
// at once. The result does not depend on it, up to rounding.
torch::Tensor AttendInBlocks(const torch::Tensor& query,
                             const torch::Tensor& key,
                             const torch::Tensor& value, double scale,
                             const DecomposedBias& bias, int64_t max_scores);

// softmax(scale * query key^T): [N, Tq, Tk].
torch::Tensor AttentionMaps(const torch::Tensor& query,
                            const torch::Tensor& key, double scale);

}  // namespace networks::transformer

#endif  // NETWORKS_TRANSFORMER_ATTENTION_H_
