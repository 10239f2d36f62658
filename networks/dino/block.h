// One block of DINO's vision transformer.
//
//   x -> x + ls1 attention(norm1(x)) -> x + ls2 perceptron(norm2(x))
//
// with ls1 and ls2 for DINOv2 only.
//
// Source: [DINO], as of networks/dino/vision_transformer.h.
#ifndef NETWORKS_DINO_BLOCK_H_
#define NETWORKS_DINO_BLOCK_H_

#include <torch/nn/module.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/modules/normalization.h>
#include <torch/types.h>

#include <cstdint>

#include "networks/transformer/feed_forward.h"

namespace networks::dino {

// Of one layer, each [B, heads, T, d].
struct QueriesKeysValues {
  torch::Tensor queries, keys, values;
};

// LayerNorm with the epsilon of the published networks.
torch::nn::LayerNorm TokenNorm(int64_t channels);

class SelfAttentionImpl : public torch::nn::Module {
 public:
  SelfAttentionImpl(int64_t channels, int64_t heads);

  QueriesKeysValues Split(const torch::Tensor& tokens);    // [B, T, C]
  torch::Tensor Maps(const QueriesKeysValues& qkv) const;  // [B, heads, T, T]
  torch::Tensor forward(const QueriesKeysValues& qkv);     // [B, T, C]

 private:
  double scale_;
  int64_t heads_;
  torch::nn::Linear qkv_{nullptr};
  torch::nn::Linear proj_{nullptr};
};
TORCH_MODULE(SelfAttention);

// Multiplies each channel by a learnt factor: [.., C] -> [.., C].
class LayerScaleImpl : public torch::nn::Module {
 public:
  explicit LayerScaleImpl(int64_t channels);

  torch::Tensor forward(const torch::Tensor& tokens);

 private:
  torch::Tensor gamma_;  // [C], ones before training
};
TORCH_MODULE(LayerScale);

// In two halves, for a feature extractor that ends in the middle.
class BlockImpl : public torch::nn::Module {
 public:
  BlockImpl(int64_t channels, int64_t heads, bool layer_scale);

  QueriesKeysValues Split(const torch::Tensor& tokens);  // [B, T, C]
  torch::Tensor AttentionMaps(const QueriesKeysValues& qkv) const;

  // [B, T, C]; `qkv` is Split(tokens).
  torch::Tensor forward(const torch::Tensor& tokens,
                        const QueriesKeysValues& qkv);

 private:
  torch::nn::LayerNorm norm1_{nullptr};
  SelfAttention attention_{nullptr};
  LayerScale attention_scale_{nullptr};
  torch::nn::LayerNorm norm2_{nullptr};
  transformer::FeedForward feed_forward_{nullptr};
  LayerScale feed_forward_scale_{nullptr};
};
TORCH_MODULE(Block);

}  // namespace networks::dino

#endif  // NETWORKS_DINO_BLOCK_H_
