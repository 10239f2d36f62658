#include "networks/sam/mask_decoder.h"

#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/embedding.h>
#include <torch/types.h>

#include <vector>

#include "networks/sam/layer_norm_2d.h"

namespace networks::sam {

using torch::Tensor;

namespace {

torch::nn::ConvTranspose2d Upscale(int64_t in, int64_t out) {
  return torch::nn::ConvTranspose2d(
      torch::nn::ConvTranspose2dOptions(in, out, 2).stride(2));
}

}  // namespace

MaskDecoderImpl::MaskDecoderImpl(const MaskDecoderOptions& options)
    : num_masks_(1 + options.multimask_outputs) {
  const int64_t channels = options.channels;
  transformer_ = register_module("transformer", TwoWayTransformer(options));
  iou_token_ = register_module("iou_token", torch::nn::Embedding(1, channels));
  mask_tokens_ = register_module("mask_tokens",
                                 torch::nn::Embedding(num_masks_, channels));
  output_upscaling_ = register_module(
      "output_upscaling",
      torch::nn::Sequential(Upscale(channels, channels / 4),
                            LayerNorm2d(channels / 4), torch::nn::GELU(),
                            Upscale(channels / 4, channels / 8),
                            torch::nn::GELU()));
  for (int64_t i = 0; i < num_masks_; ++i) {
    output_hypernetworks_->push_back(
        Perceptron(channels, channels, channels / 8));
  }
  register_module("output_hypernetworks_mlps", output_hypernetworks_);
  iou_head_ = register_module(
      "iou_prediction_head",
      Perceptron(channels, options.iou_hidden_channels, num_masks_));
}

TokensAndMap MaskDecoderImpl::Transform(const Tensor& image_embedding,
                                        const Tensor& map_positions,
                                        const PromptEmbeddings& prompts) {
  TORCH_CHECK(image_embedding.dim() == 4 && image_embedding.size(0) == 1,
              "SAM's mask decoder takes the embedding of one image, "
              "[1, C, h, w], got ",
              image_embedding.sizes());
  const Tensor output_tokens =
      torch::cat({iou_token_->weight, mask_tokens_->weight})
          .unsqueeze(0)
          .expand({prompts.tokens.size(0), -1, -1});
  return transformer_->forward(image_embedding + prompts.map, map_positions,
                               torch::cat({output_tokens, prompts.tokens}, 1));
}

// Mask i is the product of the pixels' features with weights that a perceptron
// computes from the mask's token: a linear classifier of pixels for each mask.
Masks MaskDecoderImpl::forward(const Tensor& image_embedding,
                               const Tensor& map_positions,
                               const PromptEmbeddings& prompts) {
  const auto [tokens, map] = Transform(image_embedding, map_positions, prompts);
  const Tensor pixels =
      output_upscaling_->forward(map.transpose(1, 2).unflatten(
          2, {image_embedding.size(2), image_embedding.size(3)}));
  std::vector<Tensor> weights;
  for (int64_t i = 0; i < num_masks_; ++i) {
    weights.push_back(output_hypernetworks_->ptr<PerceptronImpl>(i)->forward(
        tokens.select(1, 1 + i)));
  }
  const Tensor logits =
      torch::bmm(torch::stack(weights, 1), pixels.flatten(2))  // [P, M, 16 h w]
          .unflatten(2, {pixels.size(2), pixels.size(3)});
  return {logits, iou_head_->forward(tokens.select(1, 0))};
}

Masks Alternatives(const Masks& all) {
  return {all.logits.slice(1, 1), all.ious.slice(1, 1)};
}

Masks Unambiguous(const Masks& all) {
  return {all.logits.slice(1, 0, 1), all.ious.slice(1, 0, 1)};
}

}  // namespace networks::sam
