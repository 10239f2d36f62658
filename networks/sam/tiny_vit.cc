#include "networks/sam/tiny_vit.h"

#include <torch/nn/module.h>
#include <torch/nn/modules/container/moduledict.h>
#include <torch/types.h>

#include <memory>
#include <string>
#include <utility>

#include "networks/sam/neck.h"

namespace networks::sam {

using torch::Tensor;

namespace {

constexpr int64_t kTotalStride = 16;
constexpr int64_t kExpansion = 4;  // of an inverted bottleneck

// Of the step behind a stage.
int64_t StrideBehind(size_t stage) { return stage < 2 ? 2 : 1; }

}  // namespace

TinyVitStemImpl::TinyVitStemImpl(int64_t channels)
    : first_(ConvNorm(3, channels / 2, 3, 2)),
      second_(ConvNorm(channels / 2, channels, 3, 2)) {
  // Names as in the original, where an activation is number 1.
  using Named = std::pair<std::string, std::shared_ptr<torch::nn::Module>>;
  register_module("seq", torch::nn::ModuleDict(std::vector<Named>{
                             {"0", first_.ptr()}, {"2", second_.ptr()}}));
}

Tensor TinyVitStemImpl::forward(const Tensor& image) {
  return second_(torch::gelu(first_(image)));
}

TinyVitStageImpl::TinyVitStageImpl(const TinyVitOptions& options, size_t stage)
    : convolutional_(stage == 0) {
  const int64_t channels = options.channels[stage];
  for (int64_t i = 0; i < options.depths[stage]; ++i) {
    if (convolutional_) {
      blocks_->push_back(
          ConvTriple(channels, kExpansion * channels, channels, 1));
    } else {
      blocks_->push_back(TinyVitBlock(channels, options.heads[stage],
                                      options.window_sizes[stage]));
    }
  }
  register_module("blocks", blocks_);
  if (stage + 1 == options.channels.size()) return;
  const int64_t next = options.channels[stage + 1];
  downsample_ = register_module(
      "downsample", ConvTriple(channels, next, next, StrideBehind(stage)));
}

Tensor TinyVitStageImpl::forward(const Tensor& map) {
  Tensor output = map;
  for (size_t i = 0; i < blocks_->size(); ++i) {
    output = convolutional_
                 ? blocks_->ptr<ConvTripleImpl>(i)->forward(output)
                 : blocks_->ptr<TinyVitBlockImpl>(i)->forward(output);
  }
  return downsample_.is_empty() ? output : downsample_(output);
}

TinyVitImpl::TinyVitImpl(const TinyVitOptions& options)
    : stem_(register_module("patch_embed",
                            TinyVitStem(options.channels.front()))),
      neck_(Neck(options.channels.back(), options.output_channels)) {
  const size_t stages = options.channels.size();
  TORCH_CHECK(options.depths.size() == stages &&
                  options.heads.size() == stages &&
                  options.window_sizes.size() == stages && stages == 4,
              "TinyViT has four stages");
  for (size_t stage = 0; stage < stages; ++stage) {
    stages_->push_back(TinyVitStage(options, stage));
  }
  register_module("layers", stages_);
  register_module("neck", neck_);
}

Tensor TinyVitImpl::forward(const Tensor& images) {
  return neck_->forward(Maps(images).back().permute({0, 3, 1, 2}));
}

std::vector<Tensor> TinyVitImpl::Maps(const Tensor& images) {
  TORCH_CHECK(images.dim() == 4 && images.size(1) == 3 &&
                  images.size(2) == images.size(3) && images.size(2) > 0 &&
                  images.size(2) % kTotalStride == 0,
              "MobileSAM's image encoder takes square images [B, 3, S, S], S a "
              "multiple of ",
              kTotalStride, ", got ", images.sizes());
  std::vector<Tensor> maps = {stem_(images.permute({0, 2, 3, 1}))};
  for (size_t stage = 0; stage < stages_->size(); ++stage) {
    maps.push_back(stages_->ptr<TinyVitStageImpl>(stage)->forward(maps.back()));
  }
  return maps;
}

}  // namespace networks::sam
