#include "networks/dino/block.h"

#include <torch/nn/module.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/modules/normalization.h>
#include <torch/types.h>

#include <cmath>

#include "networks/dino/heads.h"
#include "networks/transformer/attention.h"

namespace networks::dino {

using torch::Tensor;
using transformer::Project;

namespace {

// [B, heads, T, d] -> [B * heads, T, d], the shape of the attention kernel.
Tensor FoldHeads(const Tensor& per_head) { return per_head.flatten(0, 1); }

// Null where blocks have no scales.
LayerScale ScaleFor(const char* name, int64_t channels, bool layer_scale,
                    torch::nn::Module& block) {
  if (!layer_scale) return {nullptr};
  return block.register_module(name, LayerScale(channels));
}

Tensor Scaled(LayerScale& scale, const Tensor& tokens) {
  return scale.is_empty() ? tokens : scale->forward(tokens);
}

}  // namespace

torch::nn::LayerNorm TokenNorm(int64_t channels) {
  return torch::nn::LayerNorm(
      torch::nn::LayerNormOptions({channels}).eps(1e-6));
}

SelfAttentionImpl::SelfAttentionImpl(int64_t channels, int64_t heads)
    : scale_(1 / std::sqrt(static_cast<double>(channels / heads))),
      heads_(heads),
      qkv_(register_module("qkv", torch::nn::Linear(channels, 3 * channels))),
      proj_(register_module("proj", torch::nn::Linear(channels, channels))) {}

QueriesKeysValues SelfAttentionImpl::Split(const Tensor& tokens) {
  const auto parts = Project(qkv_, tokens)
                         .view({tokens.size(0), tokens.size(1), 3, heads_, -1})
                         .permute({2, 0, 3, 1, 4})  // [3, B, heads, T, d]
                         .unbind(0);
  return {parts[0], parts[1], parts[2]};
}

Tensor SelfAttentionImpl::Maps(const QueriesKeysValues& qkv) const {
  return transformer::AttentionMaps(FoldHeads(qkv.queries), FoldHeads(qkv.keys),
                                    scale_)
      .unflatten(0, {-1, heads_});
}

Tensor SelfAttentionImpl::forward(const QueriesKeysValues& qkv) {
  const Tensor attended =
      transformer::Attend(FoldHeads(qkv.queries), FoldHeads(qkv.keys),
                          FoldHeads(qkv.values), scale_);
  return Project(proj_, ConcatenateHeads(attended.view(qkv.values.sizes())));
}

LayerScaleImpl::LayerScaleImpl(int64_t channels)
    : gamma_(register_parameter("gamma", torch::ones({channels}))) {}

Tensor LayerScaleImpl::forward(const Tensor& tokens) { return tokens * gamma_; }

BlockImpl::BlockImpl(int64_t channels, int64_t heads, bool layer_scale)
    : norm1_(register_module("norm1", TokenNorm(channels))),
      attention_(register_module("attn", SelfAttention(channels, heads))),
      attention_scale_(ScaleFor("ls1", channels, layer_scale, *this)),
      norm2_(register_module("norm2", TokenNorm(channels))),
      feed_forward_(register_module(
          "mlp", transformer::FeedForward(transformer::FeedForwardOptions{
                     channels, 4 * channels, transformer::Activation::kGelu,
                     "fc1", "fc2"}))),
      feed_forward_scale_(ScaleFor("ls2", channels, layer_scale, *this)) {}

QueriesKeysValues BlockImpl::Split(const Tensor& tokens) {
  return attention_->Split(norm1_->forward(tokens));
}

Tensor BlockImpl::AttentionMaps(const QueriesKeysValues& qkv) const {
  return attention_->Maps(qkv);
}

Tensor BlockImpl::forward(const Tensor& tokens, const QueriesKeysValues& qkv) {
  const Tensor attended =
      tokens + Scaled(attention_scale_, attention_->forward(qkv));
  return attended + Scaled(feed_forward_scale_,
                           feed_forward_->forward(norm2_->forward(attended)));
}

}  // namespace networks::dino
