// One block of SAM's image encoder, on maps [B, H, W, C].
//
//   x -> x + attention(norm1(x)) -> x + perceptron(norm2(x))
//
// Source: [SAM], [MViTv2], as of networks/sam/image_encoder.h.
#ifndef NETWORKS_SAM_ENCODER_BLOCK_H_
#define NETWORKS_SAM_ENCODER_BLOCK_H_

#include <torch/nn/module.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/modules/normalization.h>
#include <torch/types.h>

#include <cstdint>

#include "networks/transformer/feed_forward.h"

namespace networks::sam {

// The rows of a table of relative positions [2 n - 1, d] for each two of
// `length` places: [length, length, d], element [q, k] being that of q - k.
// The table is resized linearly if it was made for another length.
torch::Tensor RelativePositions(const torch::Tensor& table, int64_t length);

// Multi-head self-attention over a map, with learnt relative positions along
// each axis.
class MapAttentionImpl : public torch::nn::Module {
 public:
  // `map_size`: rows and columns that the relative positions are stored for.
  MapAttentionImpl(int64_t channels, int64_t heads, int64_t map_size);

  torch::Tensor forward(const torch::Tensor& map);  // [B, H, W, C], same

 private:
  int64_t heads_;
  double scale_;
  torch::nn::Linear qkv_{nullptr};
  torch::nn::Linear proj_{nullptr};
  torch::Tensor row_positions_;     // [2 map_size - 1, d]
  torch::Tensor column_positions_;  // [2 map_size - 1, d]
};
TORCH_MODULE(MapAttention);

class EncoderBlockImpl : public torch::nn::Module {
 public:
  // `window_size` 0: the attention sees the whole map, of `map_size`.
  EncoderBlockImpl(int64_t channels, int64_t heads, int64_t window_size,
                   int64_t map_size);

  torch::Tensor forward(const torch::Tensor& map);  // [B, H, W, C], same

 private:
  torch::Tensor Attend(const torch::Tensor& map);

  int64_t window_size_;
  torch::nn::LayerNorm norm1_{nullptr};
  MapAttention attention_{nullptr};
  torch::nn::LayerNorm norm2_{nullptr};
  transformer::FeedForward feed_forward_{nullptr};
};
TORCH_MODULE(EncoderBlock);

}  // namespace networks::sam

#endif  // NETWORKS_SAM_ENCODER_BLOCK_H_
