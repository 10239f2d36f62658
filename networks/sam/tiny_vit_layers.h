// The layers of TinyViT, the image encoder of MobileSAM, on maps [B, H, W, C].
//
// Batch norms always use their stored statistics: the network is not trained
// here.
//
// Source: [TinyViT], as of networks/sam/tiny_vit.h.
#ifndef NETWORKS_SAM_TINY_VIT_LAYERS_H_
#define NETWORKS_SAM_TINY_VIT_LAYERS_H_

#include <torch/nn/module.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/modules/normalization.h>
#include <torch/types.h>

#include <cstdint>

#include "networks/transformer/feed_forward.h"

namespace networks::sam {

// Convolution and batch norm, computed as one convolution.
class ConvNormImpl : public torch::nn::Module {
 public:
  // Padded by (size - 1) / 2; each of `groups` groups of channels by itself.
  ConvNormImpl(int64_t in, int64_t out, int64_t size, int64_t stride = 1,
               int64_t groups = 1);

  // [B, H, W, in] -> [B, H / stride, W / stride, out], rounded up.
  torch::Tensor forward(const torch::Tensor& map);

 private:
  torch::nn::Conv2d conv_{nullptr};
  torch::nn::BatchNorm2d norm_{nullptr};
};
TORCH_MODULE(ConvNorm);

// Three convolutions, of which the middle one is depthwise:
//
//   x -> conv1 -> GELU -> conv2 -> GELU -> conv3 [-> + x -> GELU]
class ConvTripleImpl : public torch::nn::Module {
 public:
  // With a residual if `in` is `out` and the stride 1, as for an inverted
  // bottleneck (MBConv); else as for a step between stages (patch merging).
  ConvTripleImpl(int64_t in, int64_t hidden, int64_t out, int64_t stride);

  // [B, H, W, in] -> [B, H / stride, W / stride, out], rounded up.
  torch::Tensor forward(const torch::Tensor& map);

 private:
  bool residual_;
  ConvNorm conv1_{nullptr};
  ConvNorm conv2_{nullptr};
  ConvNorm conv3_{nullptr};
};
TORCH_MODULE(ConvTriple);

// The rows of `table` [heads, side * side] for each two places of a window of
// side x side, row by row: [heads, side^2, side^2], element (p, q) being that
// of |y_p - y_q| * side + |x_p - x_q|.
torch::Tensor WindowBiases(const torch::Tensor& table, int64_t side);

// Multi-head self-attention within windows, with a learnt bias for each
// distance of two places.
class WindowAttentionImpl : public torch::nn::Module {
 public:
  WindowAttentionImpl(int64_t channels, int64_t heads, int64_t side);

  // windows [N, side, side, C]; same.
  torch::Tensor forward(const torch::Tensor& windows);

 private:
  int64_t heads_;
  int64_t side_;
  torch::nn::LayerNorm norm_{nullptr};
  torch::nn::Linear qkv_{nullptr};
  torch::nn::Linear proj_{nullptr};
  torch::Tensor biases_;  // [heads, side * side]
};
TORCH_MODULE(WindowAttention);

// A perceptron that normalises first.
class NormedFeedForwardImpl : public transformer::FeedForwardImpl {
 public:
  explicit NormedFeedForwardImpl(int64_t channels);

  torch::Tensor forward(const torch::Tensor& map);  // [.., C], same

 private:
  torch::nn::LayerNorm norm_{nullptr};
};
TORCH_MODULE(NormedFeedForward);

//   x -> x + attention(x) -> depthwise conv3x3 -> x + perceptron(x)
class TinyVitBlockImpl : public torch::nn::Module {
 public:
  TinyVitBlockImpl(int64_t channels, int64_t heads, int64_t window);

  torch::Tensor forward(const torch::Tensor& map);  // [B, H, W, C], same

 private:
  int64_t window_;
  WindowAttention attention_{nullptr};
  NormedFeedForward feed_forward_{nullptr};
  ConvNorm local_conv_{nullptr};
};
TORCH_MODULE(TinyVitBlock);

}  // namespace networks::sam

#endif  // NETWORKS_SAM_TINY_VIT_LAYERS_H_
