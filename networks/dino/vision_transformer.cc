#include "networks/dino/vision_transformer.h"

#include <torch/nn/functional.h>
#include <torch/types.h>

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "networks/dino/block.h"
#include "networks/recompute.h"

namespace networks::dino {

using torch::Tensor;

namespace {

constexpr double kEmbeddingDeviation = 0.02;  // before training, as in [DINO]

using NamedOptions = std::pair<absl::string_view, VisionTransformerOptions>;

constexpr int64_t kRegisters = 4;  // of the published networks that have any
constexpr auto kAntialiased = PositionResizing::kAntialiased;

constexpr std::array<NamedOptions, 9> kModels = {{
    {"tiny", {64, 8, 48, 3, 3}},
    {"vits16", {224, 16, 384, 12, 6}},
    {"vits8", {224, 8, 384, 12, 6}},
    {"vitb16", {224, 16, 768, 12, 12}},
    {"vitb8", {224, 8, 768, 12, 12}},
    {"vits14", {518, 14, 384, 12, 6, true}},
    {"vitb14", {518, 14, 768, 12, 12, true}},
    {"vits14_reg", {518, 14, 384, 12, 6, true, kRegisters, kAntialiased}},
    {"vitb14_reg", {518, 14, 768, 12, 12, true, kRegisters, kAntialiased}},
}};

// The requests by layer, counted from 0.
std::vector<int64_t> LayersOf(const std::vector<FeatureRequest>& requests,
                              int64_t depth) {
  std::vector<int64_t> layers;
  for (const FeatureRequest& request : requests) {
    layers.push_back(request.layer + (request.layer < 0 ? depth : 0));
    TORCH_CHECK(layers.back() >= 0 && layers.back() < depth,
                "the vision transformer has ", depth, " layers, not layer ",
                request.layer);
  }
  return layers;
}

struct Passed {
  QueriesKeysValues qkv;
  Tensor output;  // undefined where it is not wanted
};

Passed Pass(const Block& block, const Tensor& tokens, bool output_wanted) {
  const Tensors passed =
      Recomputed({tokens}, block->parameters(),
                 [block = block.ptr(), output_wanted](const Tensors& inputs) {
                   const QueriesKeysValues qkv = block->Split(inputs[0]);
                   Tensors outputs = {qkv.queries, qkv.keys, qkv.values};
                   if (output_wanted) {
                     outputs.push_back(block->forward(inputs[0], qkv));
                   }
                   return outputs;
                 });
  return {{passed[0], passed[1], passed[2]},
          output_wanted ? passed[3] : Tensor()};
}

Tensor Select(Feature feature, const Block& block, const Passed& passed) {
  switch (feature) {
    case Feature::kQueries:
      return passed.qkv.queries;
    case Feature::kKeys:
      return passed.qkv.keys;
    case Feature::kValues:
      return passed.qkv.values;
    case Feature::kAttention:
      return block->AttentionMaps(passed.qkv);
    case Feature::kOutput:
      return passed.output;
  }
  TORCH_CHECK(false, "unknown feature");
}

// [1, C, side, side] -> [1, C, rows, columns]. The scale itself, not the ratio
// of the sizes, maps the coordinates. The original adds 0.1 so that rounding
// never loses a row, which shifts the samples; the networks are used with that
// shift.
Tensor ResizeShifted(const Tensor& stored, int64_t rows, int64_t columns) {
  const auto scale = [&](int64_t count) {
    return (static_cast<double>(count) + 0.1) /
           static_cast<double>(stored.size(2));
  };
  namespace F = torch::nn::functional;
  return F::interpolate(stored, F::InterpolateFuncOptions()
                                    .scale_factor(std::vector<double>{
                                        scale(rows), scale(columns)})
                                    .mode(torch::kBicubic)
                                    .align_corners(false)
                                    .recompute_scale_factor(false));
}

Tensor ResizeAntialiased(const Tensor& stored, int64_t rows, int64_t columns) {
  namespace F = torch::nn::functional;
  return F::interpolate(stored, F::InterpolateFuncOptions()
                                    .size(std::vector<int64_t>{rows, columns})
                                    .mode(torch::kBicubic)
                                    .align_corners(false)
                                    .antialias(true));
}

}  // namespace

absl::StatusOr<VisionTransformerOptions> VisionTransformerByName(
    absl::string_view name) {
  for (const auto& [model, options] : kModels) {
    if (model == name) return options;
  }
  return absl::InvalidArgumentError(
      absl::StrCat("there is no DINO model '", name, "'; use one of ",
                   absl::StrJoin(VisionTransformerNames(), ", ")));
}

std::vector<std::string> VisionTransformerNames() {
  std::vector<std::string> names;
  for (const auto& [model, options] : kModels) names.emplace_back(model);
  return names;
}

VisionTransformerImpl::VisionTransformerImpl(
    const VisionTransformerOptions& options)
    : options_(options) {
  TORCH_CHECK(options.channels % options.heads == 0,
              "a transformer's channels must be a multiple of its heads, got ",
              options.channels, " and ", options.heads);
  const int64_t side = options.image_size / options.patch_size;
  const auto embedding = [&](int64_t tokens) {
    return torch::randn({1, tokens, options.channels}) * kEmbeddingDeviation;
  };
  class_token_ = register_parameter("cls_token", embedding(1));
  position_embedding_ =
      register_parameter("pos_embed", embedding(1 + side * side));
  if (options.registers > 0) {
    register_tokens_ =
        register_parameter("register_tokens", embedding(options.registers));
  }
  patch_embedding_ = register_module(
      "patch_embed",
      transformer::PatchEmbedding(options.patch_size, options.channels));
  for (int64_t layer = 0; layer < options.depth; ++layer) {
    blocks_->push_back(
        Block(options.channels, options.heads, options.layer_scale));
  }
  register_module("blocks", blocks_);
  norm_ = register_module("norm", TokenNorm(options.channels));
}

Tensor VisionTransformerImpl::forward(const Tensor& images) {
  return norm_->forward(Extract(images, {-1, Feature::kOutput})).select(1, 0);
}

Tensor VisionTransformerImpl::Extract(const Tensor& images,
                                      const FeatureRequest& request) {
  return Extract(images, std::vector<FeatureRequest>{request}).front();
}

std::vector<Tensor> VisionTransformerImpl::Extract(
    const Tensor& images, const std::vector<FeatureRequest>& requests) {
  if (requests.empty()) return {};
  const std::vector<int64_t> layers = LayersOf(requests, options_.depth);
  const int64_t last_layer = *std::max_element(layers.begin(), layers.end());
  std::vector<Tensor> features(requests.size());
  Tensor tokens = Embed(images);
  for (int64_t layer = 0; layer <= last_layer; ++layer) {
    Block block(blocks_->ptr<BlockImpl>(layer));
    bool output_wanted = layer < last_layer;
    for (size_t i = 0; i < requests.size(); ++i) {
      output_wanted |=
          layers[i] == layer && requests[i].feature == Feature::kOutput;
    }
    const Passed passed = Pass(block, tokens, output_wanted);
    if (output_wanted) tokens = passed.output;
    for (size_t i = 0; i < requests.size(); ++i) {
      if (layers[i] != layer) continue;
      features[i] = Select(requests[i].feature, block, passed);
    }
  }
  return features;
}

Tensor VisionTransformerImpl::Embed(const Tensor& images) {
  TORCH_CHECK(images.size(-2) >= options_.patch_size &&
                  images.size(-1) >= options_.patch_size,
              "a vision transformer with patches of ", options_.patch_size,
              " takes images at least as large, got ", images.sizes());
  const Tensor patches = patch_embedding_->forward(images).flatten(1, 2);
  const Tensor class_tokens =
      class_token_.expand({images.size(0), 1, options_.channels});
  const Tensor tokens = torch::cat({class_tokens, patches}, 1) +
                        PositionEmbedding(images.size(2), images.size(3));
  if (!register_tokens_.defined()) return tokens;
  // Between class token and patches, and without a position.
  return torch::cat(
      {tokens.slice(1, 0, 1), register_tokens_.expand({images.size(0), -1, -1}),
       tokens.slice(1, 1)},
      1);
}

Tensor VisionTransformerImpl::PositionEmbedding(int64_t height,
                                                int64_t width) const {
  const int64_t side = options_.image_size / options_.patch_size;
  const int64_t rows = height / options_.patch_size;
  const int64_t columns = width / options_.patch_size;
  // As in the original, which interpolates whatever is not square.
  if (rows * columns == side * side && height == width) {
    return position_embedding_;
  }
  const Tensor stored = position_embedding_.slice(1, 1)
                            .view({1, side, side, options_.channels})
                            .permute({0, 3, 1, 2});  // [1, C, side, side]
  const Tensor resized =                             // [1, C, rows, columns]
      options_.position_resizing == PositionResizing::kAntialiased
          ? ResizeAntialiased(stored, rows, columns)
          : ResizeShifted(stored, rows, columns);
  return torch::cat({position_embedding_.slice(1, 0, 1),
                     resized.permute({0, 2, 3, 1}).flatten(1, 2)},
                    1);
}

}  // namespace networks::dino
