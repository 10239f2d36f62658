#include "networks/inpainting.h"

#include <torch/types.h>
#include <torch/utils.h>

#include <algorithm>
#include <utility>

#include "networks/cpu/pixels.h"
#include "networks/layers.h"
#include "networks/module_list.h"
#include "networks/recompute.h"
#include "networks/sampling.h"

namespace networks {
namespace {

constexpr int64_t kImageChannels = 3;
constexpr int64_t kOuterKernelSize = 7;

}  // namespace

InpaintingNetworkImpl::InpaintingNetworkImpl(const InpaintingOptions& options)
    : options_(options) {
  const auto width = [&](int64_t level) {
    return std::min(options.max_features, options.block_expansion << level);
  };
  const int64_t depth = options.num_down_blocks;
  first_ = register_module(
      "first",
      SameBlock2d(kImageChannels, options.block_expansion, kOuterKernelSize));
  for (int64_t i = 0; i < depth; ++i) {
    down_blocks_.push_back(DownBlock2d(width(i), width(i + 1)));
  }
  for (int64_t i = depth - 1; i >= 0; --i) {
    // All but the deepest level also receive the encoder's map.
    const int64_t in = (i == depth - 1 ? 1 : 2) * width(i + 1);
    res_blocks_.push_back(ResBlock2d(in));
    res_blocks_.push_back(ResBlock2d(in));
    up_blocks_.push_back(UpBlock2d(in, width(i)));
  }
  register_module("down_blocks", ToModuleList(down_blocks_));
  register_module("up_blocks", ToModuleList(up_blocks_));
  register_module("resblock", ToModuleList(res_blocks_));
  final_ = register_module(
      "final",
      SameConv2d(options.block_expansion, kImageChannels, kOuterKernelSize));
}

torch::Tensor InpaintingNetworkImpl::OcclusionOfLevel(
    const std::vector<torch::Tensor>& occlusion_maps, int64_t level,
    const torch::Tensor& like) const {
  if (!options_.multi_mask) {
    return ResizeBilinear(occlusion_maps.at(0), like.size(2), like.size(3));
  }
  const int64_t index = static_cast<int64_t>(occlusion_maps.size()) - 1 - level;
  TORCH_CHECK(index >= 0, "InpaintingNetwork: needs at least ",
              options_.num_down_blocks + 1, " occlusion maps, has ",
              occlusion_maps.size());
  return occlusion_maps[index];
}

SourceFeatures InpaintingNetworkImpl::EncodeSource(
    const torch::Tensor& source) {
  SourceFeatures features{source, {RecomputedForward(first_, source)}};
  for (const DownBlock2d& block : down_blocks_) {
    features.encoder_maps.push_back(
        RecomputedForward(block, features.encoder_maps.back()));
  }
  return features;
}

torch::Tensor InpaintingNetworkImpl::PaintLevel(int64_t index,
                                                torch::Tensor x) {
  for (const int64_t i : {2 * index, 2 * index + 1}) {
    x = Recomputes() ? RecomputedForward(res_blocks_[i], x)
                     : res_blocks_[i]->ForwardInPlace(std::move(x));
  }
  return RecomputedForward(up_blocks_[index], x);
}

InpaintingOutput InpaintingNetworkImpl::Render(
    const SourceFeatures& features, const torch::Tensor& source_from_driving,
    const std::vector<torch::Tensor>& occlusion_maps,
    bool with_warped_encoder_maps) {
  InpaintingOutput output;
  const int64_t depth = options_.num_down_blocks;
  torch::Tensor out;      // what is being painted
  torch::Tensor skipped;  // the encoder's map of this level, warped and masked
  torch::Tensor occlusion;
  torch::Tensor grid;  // source_from_driving at this level's size
  // In inference the last map is warped right over what is painted.
  const bool over = !is_training() && cpu::AvailableInFloat32(features.image);
  for (int64_t level = depth; level >= 0; --level) {
    const torch::Tensor& encoded = features.encoder_maps[level];
    occlusion = OcclusionOfLevel(occlusion_maps, level, encoded);
    grid = ResizeGrid(source_from_driving, encoded.size(2), encoded.size(3));
    if (level > 0 || !over) {
      skipped = WarpAndScale(encoded, grid, occlusion);
    }
    if (with_warped_encoder_maps) {
      output.warped_encoder_maps.push_back(Warp(encoded.detach(), grid) *
                                           occlusion.detach());
    }
    if (level == 0) break;
    out = level == depth ? skipped : torch::cat({out, skipped}, /*dim=*/1);
    skipped.reset();  // the blocks take its memory
    out = PaintLevel(depth - level, std::move(out));
  }
  // Level 0 has the image's size.
  output.deformed_source = Warp(features.image, grid);
  if (over) {
    cpu::WarpOver(features.encoder_maps[0], grid, occlusion, out);
  } else {
    out = out * (1 - occlusion) + skipped;
  }
  out = Sigmoid(final_(out));
  output.prediction =
      out * (1 - occlusion) + output.deformed_source * occlusion;
  return output;
}

InpaintingOutput InpaintingNetworkImpl::forward(
    const torch::Tensor& source, const torch::Tensor& source_from_driving,
    const std::vector<torch::Tensor>& occlusion_maps,
    bool with_warped_encoder_maps) {
  return Render(EncodeSource(source), source_from_driving, occlusion_maps,
                with_warped_encoder_maps);
}

std::vector<torch::Tensor> InpaintingNetworkImpl::EncodeDriving(
    const torch::Tensor& driving,
    const std::vector<torch::Tensor>& occlusion_maps) {
  torch::NoGradGuard no_grad;
  std::vector<torch::Tensor> maps = EncodeSource(driving).encoder_maps;
  for (size_t level = 0; level < maps.size(); ++level) {
    maps[level] =
        maps[level] * OcclusionOfLevel(occlusion_maps, level, maps[level]);
  }
  return maps;
}

}  // namespace networks
