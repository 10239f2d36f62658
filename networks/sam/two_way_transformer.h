// SAM's decoder transformer: prompt tokens attend to the image embedding, and
// the image embedding to the tokens.
//
//   layer: tokens: self-attention -> attention to the map -> perceptron,
//          then map: attention to the tokens; each + residual -> norm
//   after the last layer: tokens: attention to the map -> norm
//
// Positions are added anew to queries and keys, never to values, of every
// attention: a token's position is its prompt embedding, a map cell's is its
// position encoding.
//
// Source: [SAM] appendix A, "lightweight mask decoder".
#ifndef NETWORKS_SAM_TWO_WAY_TRANSFORMER_H_
#define NETWORKS_SAM_TWO_WAY_TRANSFORMER_H_

#include <torch/nn/module.h>
#include <torch/nn/modules/container/modulelist.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/modules/normalization.h>
#include <torch/types.h>

#include <cstdint>

#include "networks/sam/options.h"
#include "networks/transformer/feed_forward.h"

namespace networks::sam {

// P prompts with T tokens each; `map` is [P, K, C], or [1, K, C] where all
// prompts (still) see the same one, which saves computing it P times.
struct TokensAndMap {
  torch::Tensor tokens;  // [P, T, C]
  torch::Tensor map;
};

// Multi-head attention whose inner width may be less than its outer one.
class CrossAttentionImpl : public torch::nn::Module {
 public:
  CrossAttentionImpl(int64_t channels, int64_t inner_channels, int64_t heads);

  // queries [P, Tq, C]; keys and values [P, Tk, C]; any of the batches may be
  // 1 instead. Returns [P, Tq, C].
  torch::Tensor forward(const torch::Tensor& queries, const torch::Tensor& keys,
                        const torch::Tensor& values);

 private:
  torch::Tensor SplitHeads(const torch::Tensor& tokens, int64_t batch) const;

  int64_t heads_;
  torch::nn::Linear q_proj_{nullptr};
  torch::nn::Linear k_proj_{nullptr};
  torch::nn::Linear v_proj_{nullptr};
  torch::nn::Linear out_proj_{nullptr};
};
TORCH_MODULE(CrossAttention);

class TwoWayBlockImpl : public torch::nn::Module {
 public:
  // `first`: the first layer's self-attention knows no positions and replaces
  // the tokens instead of being added to them.
  TwoWayBlockImpl(const MaskDecoderOptions& options, bool first);

  TokensAndMap forward(const TokensAndMap& state,
                       const TokensAndMap& positions);

 private:
  torch::Tensor SelfAttend(const torch::Tensor& tokens,
                           const torch::Tensor& positions);

  bool first_;
  CrossAttention self_attention_{nullptr};
  torch::nn::LayerNorm norm1_{nullptr};
  CrossAttention tokens_to_map_{nullptr};
  torch::nn::LayerNorm norm2_{nullptr};
  transformer::FeedForward feed_forward_{nullptr};
  torch::nn::LayerNorm norm3_{nullptr};
  CrossAttention map_to_tokens_{nullptr};
  torch::nn::LayerNorm norm4_{nullptr};
};
TORCH_MODULE(TwoWayBlock);

class TwoWayTransformerImpl : public torch::nn::Module {
 public:
  explicit TwoWayTransformerImpl(const MaskDecoderOptions& options);

  // map [P or 1, C, h, w], map_positions [1, C, h, w], tokens [P, T, C].
  // Returns tokens [P, T, C] and map [P, h * w, C].
  TokensAndMap forward(const torch::Tensor& map,
                       const torch::Tensor& map_positions,
                       const torch::Tensor& tokens);

 private:
  torch::nn::ModuleList layers_;
  CrossAttention final_attention_{nullptr};
  torch::nn::LayerNorm final_norm_{nullptr};
};
TORCH_MODULE(TwoWayTransformer);

}  // namespace networks::sam

#endif  // NETWORKS_SAM_TWO_WAY_TRANSFORMER_H_
