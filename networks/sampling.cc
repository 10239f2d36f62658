#include "networks/sampling.h"

#include <torch/nn/functional.h>
#include <torch/types.h>

#include <algorithm>
#include <vector>

#include "networks/cpu/pixels.h"

namespace networks {
namespace {

namespace F = torch::nn::functional;

// -1 ... 1 in `n` steps, by the formula of the original rather than linspace:
// the two differ in the last bit.
torch::Tensor Axis(int64_t n, const torch::TensorOptions& options) {
  return 2 * (torch::arange(n, options) / std::max<int64_t>(n - 1, 1)) - 1;
}

torch::Tensor GridSample(const torch::Tensor& image,
                         const torch::Tensor& grid) {
  return F::grid_sample(image, grid,
                        F::GridSampleFuncOptions()
                            .mode(torch::kBilinear)
                            .padding_mode(torch::kZeros)
                            .align_corners(true));
}

}  // namespace

torch::Tensor CoordinateGrid(int64_t height, int64_t width,
                             const torch::TensorOptions& options) {
  const torch::Tensor x = Axis(width, options).expand({height, width});
  const torch::Tensor y =
      Axis(height, options).unsqueeze(1).expand({height, width});
  return torch::stack({x, y}, /*dim=*/-1);
}

torch::Tensor AffineGrid(const torch::Tensor& matrix, int64_t height,
                         int64_t width) {
  TORCH_CHECK(matrix.dim() == 3 && matrix.size(1) == 3 && matrix.size(2) == 3,
              "AffineGrid: matrix must be [B, 3, 3], is ", matrix.sizes());
  const torch::Tensor points =
      CoordinateGrid(height, width, matrix.options()).view({1, -1, 2});
  const torch::Tensor linear = matrix.slice(1, 0, 2).slice(2, 0, 2);
  const torch::Tensor offset = matrix.slice(1, 0, 2).select(2, 2).unsqueeze(1);
  return (torch::matmul(points, linear.transpose(1, 2)) + offset)
      .view({matrix.size(0), height, width, 2});
}

torch::Tensor Warp(const torch::Tensor& image, const torch::Tensor& grid) {
  const torch::Tensor sized = ResizeGrid(grid, image.size(2), image.size(3));
  if (cpu::AvailableInFloat32(image)) {
    return cpu::Warp(image, sized, /*factor=*/{});
  }
  if (image.size(0) == sized.size(0)) return GridSample(image, sized);
  return GridSample(image.expand({sized.size(0), -1, -1, -1}), sized);
}

torch::Tensor WarpAndScale(const torch::Tensor& image,
                           const torch::Tensor& grid,
                           const torch::Tensor& factor) {
  if (!cpu::AvailableInFloat32(image)) return Warp(image, grid) * factor;
  return cpu::Warp(image, ResizeGrid(grid, image.size(2), image.size(3)),
                   factor);
}

torch::Tensor WarpByEach(const torch::Tensor& image,
                         const torch::Tensor& grids) {
  TORCH_CHECK(grids.dim() == 5 && grids.size(0) == image.size(0),
              "WarpByEach: grids must be [B, M, h, w, 2] with the batch size "
              "of the image, are ",
              grids.sizes(), " for an image ", image.sizes());
  const int64_t batch = image.size(0), num_grids = grids.size(1);
  // The grids go into the batch, over which grid_sample is parallel. For a
  // batch of one the repeated image is a view.
  const torch::Tensor repeated =
      image.unsqueeze(1).expand({-1, num_grids, -1, -1, -1}).flatten(0, 1);
  return GridSample(repeated, grids.flatten(0, 1))
      .view({batch, num_grids, image.size(1), grids.size(2), grids.size(3)});
}

torch::Tensor ResizeBilinear(const torch::Tensor& x, int64_t height,
                             int64_t width) {
  if (x.size(2) == height && x.size(3) == width) return x;
  if (cpu::AvailableInFloat32(x)) return cpu::ResizeBilinear(x, height, width);
  return F::interpolate(x, F::InterpolateFuncOptions()
                               .size(std::vector<int64_t>{height, width})
                               .mode(torch::kBilinear)
                               .align_corners(true));
}

torch::Tensor ResizeGrid(const torch::Tensor& grid, int64_t height,
                         int64_t width) {
  if (grid.size(1) == height && grid.size(2) == width) return grid;
  return ResizeBilinear(grid.permute({0, 3, 1, 2}), height, width)
      .permute({0, 2, 3, 1});
}

}  // namespace networks
