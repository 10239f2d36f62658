#include "networks/sam/prompt_encoder.h"

#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/embedding.h>
#include <torch/types.h>

#include <vector>

#include "networks/exact_scope.h"
#include "networks/sam/layer_norm_2d.h"

namespace networks::sam {

using torch::Tensor;

namespace {

constexpr double kTau = 6.283185307179586;
constexpr int64_t kMaskChannels = 16;

// Rows of point_embeddings beyond the labels 0 and 1.
constexpr int64_t kFirstCorner = 2;
constexpr int64_t kSecondCorner = 3;

torch::nn::Conv2d Conv(int64_t in, int64_t out, int64_t size) {
  return torch::nn::Conv2d(
      torch::nn::Conv2dOptions(in, out, size).stride(size));
}

// Pixel centres are at halves.
Tensor ToUnit(const Tensor& pixels, int64_t image_size) {
  return (pixels + 0.5) / static_cast<double>(image_size);
}

}  // namespace

PositionEncodingImpl::PositionEncodingImpl(int64_t channels)
    : frequencies_(register_buffer("positional_encoding_gaussian_matrix",
                                   torch::randn({2, channels / 2}))) {}

// [sin(2 pi (2 p - 1) F), cos(2 pi (2 p - 1) F)] with F the random frequencies:
// the inner product of two encodings is a function of the difference of their
// positions, [FF].
Tensor PositionEncodingImpl::forward(const Tensor& positions) {
  const ExactScope exact(positions.device());
  const Tensor phases =
      torch::matmul(2 * positions - 1,
                    frequencies_.to(positions.scalar_type())) *
      kTau;
  return torch::cat({phases.sin(), phases.cos()}, -1);
}

Tensor PositionEncodingImpl::OfMap(int64_t height, int64_t width) {
  const auto centres = [&](int64_t count) {
    return (torch::arange(count, frequencies_.options()) + 0.5) /
           static_cast<double>(count);
  };
  const auto grid = torch::meshgrid({centres(height), centres(width)}, "ij");
  return forward(torch::stack({grid[1], grid[0]}, -1))  // [h, w, C]
      .permute({2, 0, 1})
      .unsqueeze(0);
}

PromptEncoderImpl::PromptEncoderImpl(int64_t channels) {
  position_encoding_ = register_module("pe_layer", PositionEncoding(channels));
  for (int i = 0; i < 4; ++i) {
    point_embeddings_->push_back(torch::nn::Embedding(1, channels));
  }
  register_module("point_embeddings", point_embeddings_);
  no_point_embedding_ =
      register_module("not_a_point_embed", torch::nn::Embedding(1, channels));
  mask_downscaling_ = register_module(
      "mask_downscaling",
      torch::nn::Sequential(Conv(1, kMaskChannels / 4, 2),
                            LayerNorm2d(kMaskChannels / 4), torch::nn::GELU(),
                            Conv(kMaskChannels / 4, kMaskChannels, 2),
                            LayerNorm2d(kMaskChannels), torch::nn::GELU(),
                            Conv(kMaskChannels, channels, 1)));
  no_mask_embedding_ =
      register_module("no_mask_embed", torch::nn::Embedding(1, channels));
}

PromptEmbeddings PromptEncoderImpl::forward(const Prompts& prompts,
                                            int64_t image_size,
                                            int64_t map_size) {
  std::vector<Tensor> tokens;
  if (prompts.points.defined()) {
    tokens.push_back(EmbedPoints(prompts.points, prompts.labels, image_size));
    if (!prompts.boxes.defined()) {
      // The published networks saw this token with every prompt of points.
      tokens.push_back(no_point_embedding_->weight.unsqueeze(0).expand(
          {prompts.points.size(0), 1, -1}));
    }
  }
  if (prompts.boxes.defined()) {
    tokens.push_back(EmbedBoxes(prompts.boxes, image_size));
  }
  TORCH_CHECK(!tokens.empty() || prompts.masks.defined(),
              "a prompt needs points, boxes or masks");
  const Tensor& no_mask = no_mask_embedding_->weight;  // [1, C]
  PromptEmbeddings embeddings;
  embeddings.tokens =
      tokens.empty()
          ? no_mask.new_empty({prompts.masks.size(0), 0, no_mask.size(1)})
          : torch::cat(tokens, 1);
  embeddings.map =
      prompts.masks.defined()
          ? mask_downscaling_->forward(prompts.masks)
          : no_mask.view({1, -1, 1, 1}).expand({1, -1, map_size, map_size});
  return embeddings;
}

Tensor PromptEncoderImpl::MapPositions(int64_t map_size) {
  return position_encoding_->OfMap(map_size, map_size);
}

Tensor PromptEncoderImpl::EmbedPoints(const Tensor& points,
                                      const Tensor& labels,
                                      int64_t image_size) {
  TORCH_CHECK(points.dim() == 3 && points.size(2) == 2,
              "prompts take points [P, N, 2], got ", points.sizes());
  TORCH_CHECK(labels.defined() && labels.sizes() == points.sizes().slice(0, 2),
              "prompts take a label for each point, [P, N]");
  const Tensor encoded =
      position_encoding_->forward(ToUnit(points, image_size));
  const auto labelled = [&](int64_t label) {
    return (labels == label).unsqueeze(-1);
  };
  const auto with = [&](int64_t label) {
    return encoded +
           point_embeddings_->ptr<torch::nn::EmbeddingImpl>(label)->weight;
  };
  return torch::where(
      labelled(kForegroundPoint), with(kForegroundPoint),
      torch::where(labelled(kBackgroundPoint), with(kBackgroundPoint),
                   no_point_embedding_->weight.to(encoded.scalar_type())));
}

Tensor PromptEncoderImpl::EmbedBoxes(const Tensor& boxes, int64_t image_size) {
  TORCH_CHECK(boxes.dim() == 2 && boxes.size(1) == 4,
              "prompts take boxes [P, 4], got ", boxes.sizes());
  const Tensor corners = position_encoding_->forward(
      ToUnit(boxes.view({-1, 2, 2}), image_size));  // [P, 2, C]
  const auto embedding = [&](int64_t corner) {
    return point_embeddings_->ptr<torch::nn::EmbeddingImpl>(corner)->weight;
  };
  return corners +
         torch::cat({embedding(kFirstCorner), embedding(kSecondCorner)});
}

}  // namespace networks::sam
