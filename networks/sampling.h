// Looking up images at the points of a sampling grid.
//
// Grids hold (x, y) in [-1, 1], x right and y down, where -1 and 1 are the
// centres of the first and the last pixel (align_corners(true) everywhere).
// Points outside the image read zeros. Conversions to the unit square of CPAB
// are in keypoints/coordinates.h.
#ifndef NETWORKS_SAMPLING_H_
#define NETWORKS_SAMPLING_H_

#include <torch/types.h>

#include <cstdint>

namespace networks {

// The grid that maps every pixel to itself: [height, width, 2], (x, y), of the
// dtype and device of `options`. A side of one pixel has the coordinate -1.
torch::Tensor CoordinateGrid(int64_t height, int64_t width,
                             const torch::TensorOptions& options);

// The grid of an affine motion, `matrix` [B, 3, 3] with last row [0 0 1]:
// [B, height, width, 2], differentiable in `matrix`.
torch::Tensor AffineGrid(const torch::Tensor& matrix, int64_t height,
                         int64_t width);

// Samples `image` [B or 1, C, H, W] bilinearly at `grid` [B, h, w, 2], which is
// first resized to [H, W] if it is not of that size: a motion field is
// predicted at a quarter of the resolution and applied at every one of them.
// An image of batch size 1 is shared by all grids. Returns [B, C, H, W].
torch::Tensor Warp(const torch::Tensor& image, const torch::Tensor& grid);

// Warp times `factor` [B, 1, H, W], in one pass where the CPU's kernels serve.
torch::Tensor WarpAndScale(const torch::Tensor& image,
                           const torch::Tensor& grid,
                           const torch::Tensor& factor);

// Samples `image` [B, C, H, W] by each of M grids, `grids` [B, M, h, w, 2].
// Returns [B, M, C, h, w].
torch::Tensor WarpByEach(const torch::Tensor& image,
                         const torch::Tensor& grids);

// Bilinear with align_corners(true). Returns `x` [B, C, H, W] itself if it has
// the size wanted.
torch::Tensor ResizeBilinear(const torch::Tensor& x, int64_t height,
                             int64_t width);

// ResizeBilinear for a grid [B, h, w, 2]; returns [B, height, width, 2].
torch::Tensor ResizeGrid(const torch::Tensor& grid, int64_t height,
                         int64_t width);

}  // namespace networks

#endif  // NETWORKS_SAMPLING_H_
