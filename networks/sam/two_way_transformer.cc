#include "networks/sam/two_way_transformer.h"

#include <torch/nn/modules/linear.h>
#include <torch/nn/modules/normalization.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>

#include "networks/exact_scope.h"
#include "networks/transformer/attention.h"

namespace networks::sam {

using torch::Tensor;
using transformer::Project;

namespace {

// The published transformer has cross-attentions of half its own width.
constexpr int64_t kCrossReduction = 2;

// With LibTorch's epsilon of 1e-5, unlike the image encoder.
torch::nn::LayerNorm TokenNorm(int64_t channels) {
  return torch::nn::LayerNorm(torch::nn::LayerNormOptions({channels}));
}

CrossAttention HalfWidthAttention(const MaskDecoderOptions& options) {
  return CrossAttention(options.channels, options.channels / kCrossReduction,
                        options.transformer_heads);
}

}  // namespace

CrossAttentionImpl::CrossAttentionImpl(int64_t channels, int64_t inner_channels,
                                       int64_t heads)
    : heads_(heads),
      q_proj_(register_module("q_proj",
                              torch::nn::Linear(channels, inner_channels))),
      k_proj_(register_module("k_proj",
                              torch::nn::Linear(channels, inner_channels))),
      v_proj_(register_module("v_proj",
                              torch::nn::Linear(channels, inner_channels))),
      out_proj_(register_module("out_proj",
                                torch::nn::Linear(inner_channels, channels))) {}

Tensor CrossAttentionImpl::SplitHeads(const Tensor& tokens,
                                      int64_t batch) const {
  return tokens.unflatten(2, {heads_, -1})
      .transpose(1, 2)  // [P or 1, heads, T, d]
      .expand({batch, -1, -1, -1})
      .flatten(0, 1);
}

// softmax(q k^T / sqrt(d)) v for each head, d the inner width of a head.
Tensor CrossAttentionImpl::forward(const Tensor& queries, const Tensor& keys,
                                   const Tensor& values) {
  if (keys.size(0) == 1 && queries.size(0) > 1) {
    // The prompts' queries to one map, as one list: nothing is copied.
    return forward(queries.flatten(0, 1).unsqueeze(0), keys, values)
        .view(queries.sizes());
  }
  const Tensor q = Project(q_proj_, queries);
  const Tensor k = Project(k_proj_, keys);
  const Tensor v = Project(v_proj_, values);
  const int64_t batch = std::max({q.size(0), k.size(0), v.size(0)});
  const double scale = 1 / std::sqrt(static_cast<double>(q.size(2) / heads_));
  const Tensor attended = transformer::Attend(
      SplitHeads(q, batch), SplitHeads(k, batch), SplitHeads(v, batch), scale);
  return Project(
      out_proj_,
      attended.unflatten(0, {batch, heads_}).transpose(1, 2).flatten(2));
}

TwoWayBlockImpl::TwoWayBlockImpl(const MaskDecoderOptions& options, bool first)
    : first_(first) {
  const int64_t channels = options.channels;
  self_attention_ = register_module(
      "self_attn",
      CrossAttention(channels, channels, options.transformer_heads));
  norm1_ = register_module("norm1", TokenNorm(channels));
  tokens_to_map_ =
      register_module("cross_attn_token_to_image", HalfWidthAttention(options));
  norm2_ = register_module("norm2", TokenNorm(channels));
  feed_forward_ = register_module(
      "mlp", transformer::FeedForward(transformer::FeedForwardOptions{
                 channels, options.transformer_hidden_channels,
                 transformer::Activation::kRelu}));
  norm3_ = register_module("norm3", TokenNorm(channels));
  map_to_tokens_ =
      register_module("cross_attn_image_to_token", HalfWidthAttention(options));
  norm4_ = register_module("norm4", TokenNorm(channels));
}

Tensor TwoWayBlockImpl::SelfAttend(const Tensor& tokens,
                                   const Tensor& positions) {
  if (first_) return self_attention_->forward(tokens, tokens, tokens);
  const Tensor placed = tokens + positions;
  return tokens + self_attention_->forward(placed, placed, tokens);
}

TokensAndMap TwoWayBlockImpl::forward(const TokensAndMap& state,
                                      const TokensAndMap& positions) {
  const Tensor placed_map = state.map + positions.map;
  // In float32 (layer_norm_2d.cc). What the other norms are given is a sum with
  // float32.
  Tensor tokens = norm1_->forward(
      WithAllDigits(SelfAttend(state.tokens, positions.tokens)));
  tokens = norm2_->forward(tokens +
                           tokens_to_map_->forward(tokens + positions.tokens,
                                                   placed_map, state.map));
  tokens = norm3_->forward(tokens + feed_forward_->forward(tokens));
  const Tensor map = norm4_->forward(
      state.map +
      map_to_tokens_->forward(placed_map, tokens + positions.tokens, tokens));
  return {tokens, map};
}

TwoWayTransformerImpl::TwoWayTransformerImpl(
    const MaskDecoderOptions& options) {
  for (int64_t layer = 0; layer < options.transformer_depth; ++layer) {
    layers_->push_back(TwoWayBlock(options, /*first=*/layer == 0));
  }
  register_module("layers", layers_);
  final_attention_ =
      register_module("final_attn_token_to_image", HalfWidthAttention(options));
  final_norm_ = register_module("norm_final_attn", TokenNorm(options.channels));
}

TokensAndMap TwoWayTransformerImpl::forward(const Tensor& map,
                                            const Tensor& map_positions,
                                            const Tensor& tokens) {
  const auto as_tokens = [](const Tensor& m) {
    return m.flatten(2).transpose(1, 2);  // [.., h * w, C]
  };
  const TokensAndMap positions{tokens, as_tokens(map_positions)};
  TokensAndMap state{tokens, as_tokens(map)};
  for (size_t layer = 0; layer < layers_->size(); ++layer) {
    state = layers_->ptr<TwoWayBlockImpl>(layer)->forward(state, positions);
  }
  const Tensor attended = final_attention_->forward(
      state.tokens + positions.tokens, state.map + positions.map, state.map);
  return {final_norm_->forward(state.tokens + attended), state.map};
}

}  // namespace networks::sam
