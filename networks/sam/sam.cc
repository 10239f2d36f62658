#include "networks/sam/sam.h"

#include <torch/types.h>

#include "networks/sam/image_encoder.h"
#include "networks/sam/tiny_vit.h"

namespace networks::sam {

using torch::Tensor;

namespace {

std::shared_ptr<EncoderImpl> MakeEncoder(const SamOptions& options) {
  if (options.tiny_vit) return TinyVit(*options.tiny_vit).ptr();
  return ImageEncoder(options.image_encoder).ptr();
}

}  // namespace

SamImpl::SamImpl(const SamOptions& options)
    : image_encoder(register_module("image_encoder", MakeEncoder(options))),
      prompt_encoder(register_module(
          "prompt_encoder", PromptEncoder(options.mask_decoder.channels))),
      mask_decoder(
          register_module("mask_decoder", MaskDecoder(options.mask_decoder))) {}

Masks SamImpl::Segment(const Tensor& image_embedding, const Prompts& prompts,
                       int64_t image_size) {
  const int64_t map_size = image_embedding.size(-1);
  return mask_decoder->forward(
      image_embedding, prompt_encoder->MapPositions(map_size),
      prompt_encoder->forward(prompts, image_size, map_size));
}

Tensor SamImpl::PointFeatures(const Tensor& image_embedding,
                              const Prompts& prompts, int64_t image_size) {
  const int64_t map_size = image_embedding.size(-1);
  const TokensAndMap transformed = mask_decoder->Transform(
      image_embedding, prompt_encoder->MapPositions(map_size),
      prompt_encoder->forward(prompts, image_size, map_size));
  return transformed.tokens.narrow(1, mask_decoder->first_prompt_token(),
                                   prompts.points.size(1));
}

}  // namespace networks::sam
