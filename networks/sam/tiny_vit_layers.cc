#include "networks/sam/tiny_vit_layers.h"

#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/modules/normalization.h>
#include <torch/types.h>

#include <cmath>

#include "networks/exact_scope.h"
#include "networks/sam/windows.h"

namespace networks::sam {

using torch::Tensor;
using transformer::Project;

ConvNormImpl::ConvNormImpl(int64_t in, int64_t out, int64_t size,
                           int64_t stride, int64_t groups)
    : conv_(register_module(
          "c", torch::nn::Conv2d(torch::nn::Conv2dOptions(in, out, size)
                                     .stride(stride)
                                     .padding((size - 1) / 2)
                                     .groups(groups)
                                     .bias(false)))),
      norm_(register_module("bn", torch::nn::BatchNorm2d(out))) {}

// norm(conv(x)) = s conv(x) + (bias - s mean) with s = weight / deviation, so
// that the weights are scaled instead of the map.
Tensor ConvNormImpl::forward(const Tensor& map) {
  const Tensor scale =
      norm_->weight / (norm_->running_var + norm_->options.eps()).sqrt();
  const int64_t padding = (conv_->weight.size(2) - 1) / 2;
  return torch::conv2d(map.permute({0, 3, 1, 2}),
                       conv_->weight * scale.view({-1, 1, 1, 1}),
                       norm_->bias - norm_->running_mean * scale,
                       conv_->options.stride(), {padding, padding},
                       /*dilation=*/1, conv_->options.groups())
      .permute({0, 2, 3, 1});
}

ConvTripleImpl::ConvTripleImpl(int64_t in, int64_t hidden, int64_t out,
                               int64_t stride)
    : residual_(in == out && stride == 1),
      conv1_(register_module("conv1", ConvNorm(in, hidden, 1))),
      conv2_(register_module("conv2",
                             ConvNorm(hidden, hidden, 3, stride, hidden))),
      conv3_(register_module("conv3", ConvNorm(hidden, out, 1))) {}

Tensor ConvTripleImpl::forward(const Tensor& map) {
  const Tensor hidden = torch::gelu(conv2_(torch::gelu(conv1_(map))));
  const Tensor output = conv3_(hidden);
  return residual_ ? torch::gelu(output + map) : output;
}

Tensor WindowBiases(const Tensor& table, int64_t side) {
  const Tensor places = torch::arange(side, table.device());
  const Tensor distances =
      (places.unsqueeze(1) - places.unsqueeze(0)).abs();  // [side, side]
  const Tensor index = (distances * side).view({side, 1, side, 1}) +
                       distances.view({1, side, 1, side});
  return table.index_select(1, index.flatten())
      .view({table.size(0), side * side, side * side});
}

WindowAttentionImpl::WindowAttentionImpl(int64_t channels, int64_t heads,
                                         int64_t side)
    : heads_(heads),
      side_(side),
      norm_(register_module(
          "norm",
          torch::nn::LayerNorm(torch::nn::LayerNormOptions({channels})))),
      qkv_(register_module("qkv", torch::nn::Linear(channels, 3 * channels))),
      proj_(register_module("proj", torch::nn::Linear(channels, channels))),
      biases_(register_parameter("attention_biases",
                                 torch::zeros({heads, side * side}))) {}

Tensor WindowAttentionImpl::forward(const Tensor& windows) {
  const int64_t count = windows.size(0), tokens = side_ * side_;
  // Queries, keys and values of a head lie together. Of the norm in float32 see
  // layer_norm_2d.cc.
  const auto qkv = Project(qkv_, norm_(WithAllDigits(windows)))
                       .view({count, tokens, heads_, 3, -1})
                       .permute({3, 0, 2, 1, 4})
                       .unbind(0);  // each [N, heads, T, d]
  const double scale = 1 / std::sqrt(static_cast<double>(qkv[0].size(3)));
  const Tensor biases = WindowBiases(biases_, side_).to(qkv[0].scalar_type());
  const Tensor maps =
      (torch::matmul(qkv[0], qkv[1].transpose(2, 3)) * scale + biases)
          .softmax(-1);  // [N, heads, T, T]
  return Project(
      proj_,
      torch::matmul(maps, qkv[2]).transpose(1, 2).reshape(windows.sizes()));
}

NormedFeedForwardImpl::NormedFeedForwardImpl(int64_t channels)
    : FeedForwardImpl(transformer::FeedForwardOptions{
          channels, 4 * channels, transformer::Activation::kGelu, "fc1",
          "fc2"}),
      norm_(register_module(
          "norm",
          torch::nn::LayerNorm(torch::nn::LayerNormOptions({channels})))) {}

Tensor NormedFeedForwardImpl::forward(const Tensor& map) {
  return FeedForwardImpl::forward(norm_(WithAllDigits(map)));
}

TinyVitBlockImpl::TinyVitBlockImpl(int64_t channels, int64_t heads,
                                   int64_t window)
    : window_(window),
      attention_(
          register_module("attn", WindowAttention(channels, heads, window))),
      feed_forward_(register_module("mlp", NormedFeedForward(channels))),
      local_conv_(register_module(
          "local_conv", ConvNorm(channels, channels, 3, 1, channels))) {}

// The windows' zeros are normalised with the rest, so that they take part in
// the attention as in the original.
Tensor TinyVitBlockImpl::forward(const Tensor& map) {
  const Tensor windows = SplitIntoWindows(map.contiguous(), window_);
  const Tensor attended =
      map + JoinWindows(attention_(windows), map.size(1), map.size(2));
  const Tensor mixed = local_conv_(attended);
  return mixed + feed_forward_(mixed);
}

}  // namespace networks::sam
