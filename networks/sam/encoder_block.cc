#include "networks/sam/encoder_block.h"

#include <torch/nn/functional.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/modules/normalization.h>
#include <torch/types.h>

#include <cmath>
#include <vector>

#include "networks/sam/windows.h"
#include "networks/transformer/attention.h"

namespace networks::sam {

using torch::Tensor;
using transformer::Project;

namespace {

torch::nn::LayerNorm MapNorm(int64_t channels) {
  return torch::nn::LayerNorm(
      torch::nn::LayerNormOptions({channels}).eps(1e-6));
}

}  // namespace

Tensor RelativePositions(const Tensor& table, int64_t length) {
  Tensor resized = table;
  if (table.size(0) != 2 * length - 1) {
    namespace F = torch::nn::functional;
    resized = F::interpolate(table.t().unsqueeze(0),  // [1, d, 2 n - 1]
                             F::InterpolateFuncOptions()
                                 .size(std::vector<int64_t>{2 * length - 1})
                                 .mode(torch::kLinear)
                                 .align_corners(false))
                  .squeeze(0)
                  .t();
  }
  const Tensor places = torch::arange(length, table.device());
  const Tensor offsets = places.unsqueeze(1) - places.unsqueeze(0);
  return resized.index({offsets + (length - 1)});  // [length, length, d]
}

MapAttentionImpl::MapAttentionImpl(int64_t channels, int64_t heads,
                                   int64_t map_size)
    : heads_(heads),
      scale_(1 / std::sqrt(static_cast<double>(channels / heads))),
      qkv_(register_module("qkv", torch::nn::Linear(channels, 3 * channels))),
      proj_(register_module("proj", torch::nn::Linear(channels, channels))) {
  const auto table = [&] {
    return torch::zeros({2 * map_size - 1, channels / heads});
  };
  row_positions_ = register_parameter("rel_pos_h", table());
  column_positions_ = register_parameter("rel_pos_w", table());
}

// The score of the query at (y, x) and the key at (y', x') is
//
//   scale q . k + q . row_positions[y - y'] + q . column_positions[x - x'],
//
// [MViTv2]: a term for each axis instead of one for each pair of
// places. So the terms that depend on positions are two tensors of H and W
// numbers a query, which Attend adds to the scores block by block.
Tensor MapAttentionImpl::forward(const Tensor& map) {
  const int64_t batch = map.size(0), height = map.size(1), width = map.size(2);
  const auto qkv = Project(qkv_, map)
                       .view({batch, height * width, 3, heads_, -1})
                       .permute({2, 0, 3, 1, 4})
                       .flatten(1, 2)  // [3, B * heads, H * W, d]
                       .unbind(0);
  const Tensor queries = qkv[0].unflatten(1, {height, width});
  // From the unscaled queries, as the original.
  const auto positions = [&](const Tensor& table, int64_t length) {
    return RelativePositions(table, length).to(queries.scalar_type());
  };
  const Tensor rows =
      torch::matmul(queries,  // [N, H, W, d] x [H, d, H]
                    positions(row_positions_, height).transpose(1, 2));
  const Tensor columns =
      torch::matmul(queries.transpose(1, 2),  // [N, W, H, d] x [W, d, W]
                    positions(column_positions_, width).transpose(1, 2))
          .transpose(1, 2);
  const Tensor attended =
      transformer::Attend(qkv[0], qkv[1], qkv[2], scale_,
                          {rows.flatten(1, 2), columns.flatten(1, 2)});
  return Project(proj_, attended.unflatten(0, {batch, heads_})
                            .transpose(1, 2)  // [B, H * W, heads, d]
                            .flatten(2)
                            .view({batch, height, width, -1}));
}

EncoderBlockImpl::EncoderBlockImpl(int64_t channels, int64_t heads,
                                   int64_t window_size, int64_t map_size)
    : window_size_(window_size),
      norm1_(register_module("norm1", MapNorm(channels))),
      attention_(register_module(
          "attn", MapAttention(channels, heads,
                               window_size > 0 ? window_size : map_size))),
      norm2_(register_module("norm2", MapNorm(channels))),
      feed_forward_(register_module(
          "mlp",
          transformer::FeedForward(transformer::FeedForwardOptions{
              channels, 4 * channels, transformer::Activation::kGelu}))) {}

Tensor EncoderBlockImpl::Attend(const Tensor& map) {
  if (window_size_ == 0) return attention_->forward(map);
  return JoinWindows(attention_->forward(SplitIntoWindows(map, window_size_)),
                     map.size(1), map.size(2));
}

Tensor EncoderBlockImpl::forward(const Tensor& map) {
  const Tensor attended = map + Attend(norm1_->forward(map));
  return attended + feed_forward_->forward(norm2_->forward(attended));
}

}  // namespace networks::sam
