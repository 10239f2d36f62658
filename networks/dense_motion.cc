#include "networks/dense_motion.h"

#include <torch/types.h>
#include <torch/utils.h>

#include <cmath>
#include <tuple>

#include "networks/exact_scope.h"
#include "networks/layers.h"
#include "networks/module_list.h"
#include "networks/sampling.h"

namespace networks {
namespace {

constexpr int64_t kImageChannels = 3;
constexpr int64_t kHeadKernelSize = 7;

HourglassOptions MakeHourglassOptions(const DenseMotionOptions& options) {
  HourglassOptions hourglass;
  hourglass.in_channels =
      kImageChannels * options.num_candidates() + options.num_keypoints() + 1;
  hourglass.block_expansion = options.block_expansion;
  hourglass.max_features = options.max_features;
  hourglass.num_blocks = options.num_blocks;
  return hourglass;
}

// How often the maps double until they have the size of the image.
int64_t NumUpBlocks(const DenseMotionOptions& options) {
  return std::llround(-std::log2(options.scale_factor));
}

// The sum over dim 1, one element after another. LibTorch's sum(1) and
// softmax(1) add up and round in another way at the ends of each thread's
// share.
torch::Tensor SumInOrder(const torch::Tensor& x) {
  torch::Tensor sum = x.select(1, 0).clone();
  for (int64_t m = 1; m < x.size(1); ++m) sum += x.select(1, m);
  return sum;
}

// [B, M, h, w], over dim 1.
torch::Tensor Softmax(const torch::Tensor& logits) {
  if (torch::GradMode::is_enabled()) return logits.softmax(1);
  const torch::Tensor weights = (logits - logits.amax(1, true)).exp_();
  return weights / SumInOrder(weights).unsqueeze(1);
}

// [B, M, h, w] and [B, M, h, w, 2] -> [B, h, w, 2].
torch::Tensor Blend(const torch::Tensor& maps,
                    const torch::Tensor& candidates) {
  const torch::Tensor shares = maps.unsqueeze(-1) * candidates;
  return (torch::GradMode::is_enabled() ? shares.sum(1) : SumInOrder(shares))
      .contiguous();
}

}  // namespace

DenseMotionNetworkImpl::DenseMotionNetworkImpl(
    const DenseMotionOptions& options)
    : options_(options) {
  if (options.scale_factor != 1) {
    down_ = register_module(
        "down", AntiAliasInterpolation2d(kImageChannels, options.scale_factor));
  }
  hourglass_ =
      register_module("hourglass", Hourglass(MakeHourglassOptions(options)));
  const std::vector<int64_t>& widths = hourglass_->out_channels();
  maps_ = register_module(
      "maps",
      SameConv2d(widths.back(), options.num_candidates(), kHeadKernelSize));
  if (!options.multi_mask) {
    occlusion_.push_back(SameConv2d(widths.back(), 1, kHeadKernelSize));
    register_module("occlusion", ToModuleList(occlusion_));
    InitializeVisibility();
    return;
  }
  const int64_t num_up = NumUpBlocks(options);
  const int64_t num_decoded = kNumOcclusionMaps - num_up;
  TORCH_CHECK(
      num_up >= 0 && num_decoded >= 1 && num_decoded <= options.num_blocks,
      "DenseMotionNetwork: multi_mask needs a scale_factor of 1, 1/2, "
      "1/4 or 1/8 and num_blocks of at least ",
      num_decoded, ", has ", options.scale_factor, " and ", options.num_blocks);
  for (int64_t i = num_decoded; i >= 1; --i) {
    occlusion_.push_back(
        SameConv2d(widths[widths.size() - i], 1, kHeadKernelSize));
  }
  int64_t width = widths.back();
  for (int64_t i = 0; i < num_up; ++i, width /= 2) {
    up_.push_back(UpBlock2d(width, width / 2));
    occlusion_.push_back(SameConv2d(width / 2, 1, kHeadKernelSize));
  }
  register_module("up", ToModuleList(up_));
  register_module("occlusion", ToModuleList(occlusion_));
  InitializeVisibility();
}

void DenseMotionNetworkImpl::InitializeVisibility() {
  const double visibility = options_.initial_visibility;
  TORCH_CHECK(visibility > 0 && visibility < 1,
              "DenseMotionNetwork: initial_visibility must be in (0, 1), is ",
              visibility);
  const torch::NoGradGuard no_grad;
  occlusion_.back()->bias.fill_(std::log(visibility / (1 - visibility)));
}

torch::Tensor DenseMotionNetworkImpl::Downsample(const torch::Tensor& source) {
  return down_ ? down_(source) : source;
}

DenseMotionOutput DenseMotionNetworkImpl::forward(
    const torch::Tensor& source_small, const torch::Tensor& heatmap_difference,
    const torch::Tensor& candidates, const torch::Tensor& keep) {
  TORCH_CHECK(
      candidates.dim() == 5 && candidates.size(1) == options_.num_candidates(),
      "DenseMotionNetwork: candidates must be [B, ", options_.num_candidates(),
      ", h, w, 2], are ", candidates.sizes());
  DenseMotionOutput output;
  output.deformed_source = WarpByEach(source_small, candidates);
  const std::vector<torch::Tensor> decoded = hourglass_(torch::cat(
      {heatmap_difference, output.deformed_source.flatten(1, 2)}, /*dim=*/1));

  // Weights of positions must add up to 1; of bfloat16's, whose sum is off by
  // up to 1 / 256, a pixel moves by half a pixel of 256.
  const torch::Tensor logits =
      WithAllDigits(maps_(decoded.back()));  // [B, M, h, w]
  output.contribution_maps = ContributionMaps(logits, keep);
  output.source_from_driving =
      options_.blend_at_full_size ? BlendAtFullSize(logits, candidates, keep)
                                  : Blend(output.contribution_maps, candidates);
  output.occlusion_maps = PredictOcclusion(decoded);
  return output;
}

torch::Tensor DenseMotionNetworkImpl::ContributionMaps(
    const torch::Tensor& logits, const torch::Tensor& keep) {
  return keep.defined() ? DropoutSoftmax(logits, keep) : Softmax(logits);
}

torch::Tensor DenseMotionNetworkImpl::BlendAtFullSize(
    const torch::Tensor& logits, const torch::Tensor& candidates,
    const torch::Tensor& keep) const {
  const int64_t factor = int64_t{1} << NumUpBlocks(options_);
  const int64_t height = factor * logits.size(2);
  const int64_t width = factor * logits.size(3);
  const torch::Tensor large =
      ResizeGrid(candidates.flatten(0, 1), height, width)
          .unflatten(0, {candidates.size(0), candidates.size(1)});
  return Blend(ContributionMaps(ResizeBilinear(logits, height, width), keep),
               large);
}

std::vector<torch::Tensor> DenseMotionNetworkImpl::PredictOcclusion(
    const std::vector<torch::Tensor>& decoded) {
  std::vector<torch::Tensor> features(
      decoded.end() - (occlusion_.size() - up_.size()), decoded.end());
  for (UpBlock2d& block : up_) features.push_back(block(features.back()));
  std::vector<torch::Tensor> maps;
  for (size_t i = 0; i < occlusion_.size(); ++i) {
    maps.push_back(Sigmoid(occlusion_[i](features[i])));
  }
  return maps;
}

torch::Tensor DropoutSoftmax(const torch::Tensor& logits,
                             const torch::Tensor& keep) {
  // Channel 0 stays, so that a pixel always has somewhere to come from.
  const torch::Tensor kept =
      torch::cat({torch::ones_like(keep.slice(1, 0, 1)), keep.slice(1, 1)}, 1)
          .to(logits.dtype())
          .unsqueeze(-1)
          .unsqueeze(-1);  // [B, M, 1, 1]
  // As the original has it: the maximum is over all channels, dropped or not,
  // and 1e-6 guards against all kept ones being far below it.
  const torch::Tensor largest =
      std::get<0>(logits.max(/*dim=*/1, /*keepdim=*/true));
  const torch::Tensor weights = (logits - largest).exp() * kept;
  return weights / (weights.sum(1, /*keepdim=*/true) + 1e-6);
}

}  // namespace networks
