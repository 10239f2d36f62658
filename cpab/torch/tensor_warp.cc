#include "cpab/torch/tensor_warp.h"

#include <torch/nn/functional.h>
#include <torch/nn/functional/vision.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <algorithm>

namespace cpab {
namespace {

using torch::Tensor;

void CheckImages(const Tensor& theta, const Tensor& images) {
  TORCH_CHECK(
      images.dim() == 4 && theta.dim() == 2 && images.size(0) == theta.size(0),
      "images must be [B, C, H, W] for theta [B, d], are ", images.sizes(),
      " for ", theta.sizes());
  TORCH_CHECK(images.size(2) > 0 && images.size(3) > 0,
              "images must have pixels, are ", images.sizes());
  TORCH_CHECK(images.device() == theta.device(), "theta is on ", theta.device(),
              ", images are on ", images.device());
}

// 0 to 1 in `count` steps; 0 where there is one pixel.
Tensor Axis(int64_t count, const torch::TensorOptions& options) {
  return torch::arange(count, options) / std::max<int64_t>(count - 1, 1);
}

// Where each pixel comes from: [B, H, W, 2] of (x, y).
Tensor SourceOf(const Transform& transform, const Tensor& theta, int64_t height,
                int64_t width) {
  const auto options = theta.options().requires_grad(false);
  const Tensor y = Axis(height, options).unsqueeze(1).expand({height, width});
  const Tensor x = Axis(width, options).unsqueeze(0).expand({height, width});
  const Tensor pixels = torch::stack({x, y}, -1).view({height * width, 2});
  return transform.Apply(theta, pixels).view({theta.size(0), height, width, 2});
}

}  // namespace

Tensor WarpImages(const Transform& transform, const Tensor& theta,
                  const Tensor& images, BeyondBorder beyond) {
  CheckImages(theta, images);
  TORCH_CHECK(images.scalar_type() == theta.scalar_type(), "theta is ",
              theta.scalar_type(), ", images are ", images.scalar_type());
  namespace F = torch::nn::functional;
  auto options =
      F::GridSampleFuncOptions().mode(torch::kBilinear).align_corners(true);
  if (beyond == BeyondBorder::kZero) {
    options.padding_mode(torch::kZeros);
  } else {
    options.padding_mode(torch::kBorder);
  }
  const Tensor source =
      SourceOf(transform, theta, images.size(2), images.size(3));
  return F::grid_sample(images, 2 * source - 1, options);
}

// Whole coordinates as indices from 0 to count - 1. nan_to_num: an index must
// be one even where a coordinate is not finite. The second clamp is for
// float32, which rounds a count - 1 above 2^24, perhaps up.
Tensor IndexOf(const Tensor& coordinate, int64_t count) {
  return coordinate.nan_to_num(0)
      .clamp(0, count - 1)
      .to(torch::kInt64)
      .clamp_max(count - 1);
}

// By indices, since grid_sample has no integers.
Tensor WarpLabels(const Transform& transform, const Tensor& theta,
                  const Tensor& labels, BeyondBorder beyond) {
  CheckImages(theta, labels);
  const torch::NoGradGuard no_grad;
  const int64_t height = labels.size(2), width = labels.size(3);
  const Tensor source = SourceOf(transform, theta, height, width);
  const Tensor column = (source.select(-1, 0) * (width - 1)).round();
  const Tensor row = (source.select(-1, 1) * (height - 1)).round();
  // The sum in integers: float32 has no odd ones above 2^24.
  const Tensor index = (IndexOf(row, height) * width + IndexOf(column, width))
                           .view({theta.size(0), 1, height * width})
                           .expand({-1, labels.size(1), -1});
  const Tensor result = labels.flatten(2).gather(2, index).view(labels.sizes());
  if (beyond == BeyondBorder::kNearestPixel) return result;
  const Tensor inside =
      (column >= 0) & (column < width) & (row >= 0) & (row < height);
  return result.masked_fill(~inside.unsqueeze(1), 0);
}

}  // namespace cpab
