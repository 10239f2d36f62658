#include "networks/sam/image_encoder.h"

#include <torch/nn/functional.h>
#include <torch/types.h>

#include <algorithm>
#include <vector>

#include "networks/sam/encoder_block.h"
#include "networks/sam/neck.h"

namespace networks::sam {

using torch::Tensor;

ImageEncoderImpl::ImageEncoderImpl(const ImageEncoderOptions& options)
    : options_(options) {
  const int64_t map_size = options.image_size / options.patch_size;
  position_embedding_ = register_parameter(
      "pos_embed", torch::zeros({1, map_size, map_size, options.channels}));
  patch_embedding_ = register_module(
      "patch_embed",
      transformer::PatchEmbedding(options.patch_size, options.channels));
  for (int64_t layer = 0; layer < options.depth; ++layer) {
    const bool global = std::count(options.global_blocks.begin(),
                                   options.global_blocks.end(), layer) > 0;
    blocks_->push_back(EncoderBlock(options.channels, options.heads,
                                    global ? 0 : options.window_size,
                                    map_size));
  }
  register_module("blocks", blocks_);
  neck_ =
      register_module("neck", Neck(options.channels, options.output_channels));
}

Tensor ImageEncoderImpl::forward(const Tensor& images) {
  return neck_->forward(
      BlockOutput(images, options_.depth - 1).permute({0, 3, 1, 2}));
}

Tensor ImageEncoderImpl::BlockOutput(const Tensor& images, int64_t last) {
  TORCH_CHECK(last >= 0 && last < options_.depth, "the image encoder has ",
              options_.depth, " blocks, not block ", last);
  Tensor map = Embed(images);
  for (int64_t layer = 0; layer <= last; ++layer) {
    map = blocks_->ptr<EncoderBlockImpl>(layer)->forward(map);
  }
  return map;
}

Tensor ImageEncoderImpl::Embed(const Tensor& images) {
  TORCH_CHECK(images.dim() == 4 && images.size(2) == images.size(3) &&
                  images.size(2) > 0 &&
                  images.size(2) % options_.patch_size == 0,
              "SAM's image encoder takes square images [B, 3, S, S], S a "
              "multiple of ",
              options_.patch_size, ", got ", images.sizes());
  const Tensor patches = patch_embedding_->forward(images);
  if (patches.sizes().slice(1) == position_embedding_.sizes().slice(1)) {
    return patches + position_embedding_;
  }
  namespace F = torch::nn::functional;
  const Tensor resized = F::interpolate(
      position_embedding_.permute({0, 3, 1, 2}),
      F::InterpolateFuncOptions()
          .size(std::vector<int64_t>{patches.size(1), patches.size(2)})
          .mode(torch::kBicubic)
          .align_corners(false));
  return patches + resized.permute({0, 2, 3, 1});
}

}  // namespace networks::sam
