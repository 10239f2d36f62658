// B-spline free-form deformations from keypoint pairs, in closed form, [FFD].
//
//   T(x) = x + s(x),   s(x) = sum_lm B_l(x_1) B_m(x_2) c_lm:
//
// the displacement s is a uniform cubic B-spline on a lattice of control points
// over the image, twice continuously differentiable. [FFD] finds the control
// points by descent on an image distance; here they have to carry keypoints, so
// that they are the solution of a linear system.
//
// Coordinates: x right, y down, [-1, 1] from the centre of the first to that of
// the last pixel. Beyond the image s goes on linearly along each axis.
#ifndef PIPELINES_MODEL_BSPLINE_H_
#define PIPELINES_MODEL_BSPLINE_H_

#include <torch/types.h>

#include <cstdint>

namespace pipelines {

struct BSplineOptions {
  // Spans of the lattice along x and y, at least 1 each: the lattice has
  // (cells_x + 3) (cells_y + 3) control points.
  int64_t cells_x = 4;
  int64_t cells_y = 4;
  // What bending costs, in squared units of [-1, 1]; above 0.
  double bending_ridge = 3e-3;
  // What the displacement's slope costs, in squared units of [-1, 1]; above 0,
  // far below the other, or bending takes over what is affine.
  double affine_ridge = 1e-4;
};

// Fits and applies such a T. Immutable; safe to use from many threads. Made
// once for its options, since it inverts a matrix in the number of control
// points.
class BSplineFromKeypoints {
 public:
  explicit BSplineFromKeypoints(const BSplineOptions& options);

  // Applies to `points` [N, P, 2], for each of N problems with pairs `from`,
  // `to` [N, K, 2], the T whose control points minimise
  //
  //   sum_k |to_k - T(from_k)|^2
  //     + bending_ridge mean(s_xx^2 + 2 s_xy^2 + s_yy^2)
  //     + affine_ridge mean(s_x^2 + s_y^2),
  //
  // means over the image, of both components of s. The minimum is unique for
  // any keypoints, since only constants cost nothing, and
  //
  //   (1) T(x) = x where from = to;
  //   (2) translations are met exactly.
  //
  // Any device; the system is solved in double. Returns [N, P, 2],
  // differentiable in all tensors.
  torch::Tensor operator()(const torch::Tensor& from, const torch::Tensor& to,
                           const torch::Tensor& points) const;

 private:
  // [N, (cells_x + 3) (cells_y + 3), 2], for displacements less their mean.
  torch::Tensor ControlPoints(const torch::Tensor& basis,
                              const torch::Tensor& displacements) const;
  torch::Tensor Basis(const torch::Tensor& points) const;
  torch::Tensor Spline(const torch::Tensor& control,
                       const torch::Tensor& points) const;

  int64_t cells_x_;
  int64_t cells_y_;
  torch::Tensor covariance_;  // [c, c] float64 on the CPU, c control points
};

}  // namespace pipelines

#endif  // PIPELINES_MODEL_BSPLINE_H_
