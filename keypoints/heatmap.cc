#include "keypoints/heatmap.h"

#include <torch/types.h>

#include "networks/sampling.h"

namespace keypoints {
namespace {

// [B, K, n]: exp(-(x - centre)^2 / (2 variance)) along one axis.
torch::Tensor Profile(const torch::Tensor& axis, const torch::Tensor& centres,
                      double variance) {
  return torch::exp((axis - centres.unsqueeze(-1)).square() *
                    (-0.5 / variance));
}

}  // namespace

torch::Tensor GaussianHeatmaps(const torch::Tensor& points, int64_t height,
                               int64_t width, double variance) {
  const torch::Tensor grid = networks::CoordinateGrid(
      height, width, points.options().requires_grad(false));
  // The Gaussian is separable: h + w exponentials a keypoint, not h * w.
  const torch::Tensor along_x =
      Profile(grid.select(0, 0).select(1, 0), points.select(2, 0), variance);
  const torch::Tensor along_y =
      Profile(grid.select(1, 0).select(1, 1), points.select(2, 1), variance);
  return along_y.unsqueeze(-1) * along_x.unsqueeze(-2);  // [B, K, h, w]
}

torch::Tensor HeatmapDifference(const torch::Tensor& driving,
                                const torch::Tensor& source, int64_t height,
                                int64_t width, double variance) {
  const torch::Tensor difference =
      GaussianHeatmaps(driving, height, width, variance) -
      GaussianHeatmaps(source, height, width, variance);
  return torch::constant_pad_nd(difference, {0, 0, 0, 0, 1, 0}, /*value=*/0);
}

}  // namespace keypoints
