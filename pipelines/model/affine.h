// Affine maps from keypoint pairs, by least squares.
#ifndef PIPELINES_MODEL_AFFINE_H_
#define PIPELINES_MODEL_AFFINE_H_

#include <torch/types.h>

namespace pipelines {

// Applies to `points` [N, P, 2], for each of N problems with pairs `from`, `to`
// [N, K, 2], the map T(x) = x + M (x - mean(from)) + mean(to - from) whose M
// minimises
//
//   sum_k |to_k - T(from_k)|^2 + ridge |M|^2,   ridge > 0.
//
// Translations are met exactly. An affine motion of keypoints whose scatter
// matrix has the smallest eigenvalue s is met up to the share ridge / (s +
// ridge); where s is 0 (keypoints on a line, or all in one place) M moves
// nothing across the line. |M| <= |to - from| / (2 sqrt(ridge)) always.
//
// Returns [N, P, 2], differentiable in all tensors.
torch::Tensor AffineFromKeypoints(const torch::Tensor& from,
                                  const torch::Tensor& to,
                                  const torch::Tensor& points, double ridge);

}  // namespace pipelines

#endif  // PIPELINES_MODEL_AFFINE_H_
