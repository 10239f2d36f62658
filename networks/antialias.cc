#include "networks/antialias.h"

#include <torch/types.h>

#include <cmath>

namespace networks {
namespace {

// [size, size], sum 1.
torch::Tensor GaussianKernel(double sigma) {
  // Halves round to even, as Python's round does.
  const int64_t size = 2 * static_cast<int64_t>(std::nearbyint(4 * sigma)) + 1;
  const torch::Tensor offset =
      torch::arange(size, torch::kFloat32) - static_cast<double>(size / 2);
  const torch::Tensor profile =
      torch::exp(-offset.square() / (2 * sigma * sigma));
  const torch::Tensor kernel = torch::outer(profile, profile);
  return kernel / kernel.sum();
}

}  // namespace

AntiAliasInterpolation2dImpl::AntiAliasInterpolation2dImpl(int64_t num_channels,
                                                           double scale)
    : scale_(scale) {
  TORCH_CHECK(scale > 0 && scale <= 1,
              "AntiAliasInterpolation2d: scale must be in (0, 1], is ", scale);
  if (scale == 1) return;
  const torch::Tensor kernel = GaussianKernel((1 / scale - 1) / 2);
  weight_ = register_buffer(
      "weight",
      kernel.expand({num_channels, 1, kernel.size(0), kernel.size(1)}).clone());
}

torch::Tensor AntiAliasInterpolation2dImpl::forward(const torch::Tensor& x) {
  if (scale_ == 1) return x;
  const int64_t height = static_cast<int64_t>(x.size(2) * scale_);
  const int64_t width = static_cast<int64_t>(x.size(3) * scale_);
  const int64_t stride = std::llround(1 / scale_);
  const int64_t padding = weight_.size(2) / 2;
  const int64_t groups = weight_.size(0);
  if (std::abs(stride * scale_ - 1) < 1e-6) {
    // Only the pixels that are kept are computed. A size that the stride does
    // not divide yields one more than the interpolation keeps.
    return torch::conv2d(x, weight_, {}, stride, padding, /*dilation=*/1,
                         groups)
        .slice(2, 0, height)
        .slice(3, 0, width);
  }
  const torch::Tensor smooth = torch::conv2d(x, weight_, {}, /*stride=*/1,
                                             padding, /*dilation=*/1, groups);
  return torch::upsample_nearest2d(smooth, {height, width}, scale_, scale_);
}

}  // namespace networks
