// Thin-plate splines from keypoint pairs, in closed form.
//
// Source: [TPS] Sec. 3.1, Eq. (2), solved in another way than in its code,
// whose splines are in thin_plate_original.h.
#ifndef PIPELINES_MODEL_THIN_PLATE_H_
#define PIPELINES_MODEL_THIN_PLATE_H_

#include <torch/types.h>

namespace pipelines {

struct ThinPlateOptions {
  // On the diagonal of the kernel matrix, above 0: how much a pair may be
  // missed for the sake of less bending. [TPS] has 0.01.
  double bending_ridge = 0.01;
  // Against the affine part's own size, above 0; far below the other, or
  // bending takes over what is affine.
  double affine_ridge = 1e-4;
};

// Applies to `points` [N, P, 2], for each of N problems with pairs `from`, `to`
// [N, K, 2], the spline
//
//   T(x) = x + mean(d) + A [1; x] + sum_k w_k U(|x - from_k|^2),
//   U(s) = s log(s + 1e-9),  d = to - from,
//
// of least bending energy + affine_ridge / bending_ridge |A|^2 +
// |residuals|^2 / bending_ridge. [TPS] adds 0.01 to the diagonal of the affine
// block of its saddle-point system, too; but that block's sign makes the system
// singular for some keypoints near a line, and moves keypoints that stand
// still. Here the affine part has a prior of its own, which leaves one positive
// definite system for any keypoints: T is bounded by a multiple of |d| wherever
// they are, and it is the identity where d = 0. The ridges apart, it is the
// same spline.
//
// Returns [N, P, 2], differentiable in all tensors.
torch::Tensor ThinPlateFromKeypoints(const torch::Tensor& from,
                                     const torch::Tensor& to,
                                     const torch::Tensor& points,
                                     const ThinPlateOptions& options);

}  // namespace pipelines

#endif  // PIPELINES_MODEL_THIN_PLATE_H_
