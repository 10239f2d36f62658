// The thin-plate spline of the paper's predecessor, exactly as its published
// code solves it, so that its published weights see the motions that they have
// been trained with. thin_plate.h has ours, which is another spline.
//
// Source: [TPS] Sec. 3.1, Eq. (2); TPS (mode "kp") in modules/util.py of its
// code; model/README.md compares the two.
#ifndef PIPELINES_MODEL_THIN_PLATE_ORIGINAL_H_
#define PIPELINES_MODEL_THIN_PLATE_ORIGINAL_H_

#include <torch/types.h>

namespace pipelines {

// The splines of N problems, in float64.
struct ThinPlateOriginal {
  torch::Tensor centres;  // [N, K, 2], the keypoints that are moved
  torch::Tensor weights;  // [N, K, 2], w
  // [N, 2, 3]: the coefficients of x, y and 1 of either coordinate.
  torch::Tensor affine;

  // T(x) = affine [x; 1] + sum_k w_k U(|x - centre_k|^2), with
  // U(s) = s log(s + 1e-9), at points [N, P, 2].
  //
  // Returns [N, P, 2] in the points' dtype, computed in float64.
  // Differentiable.
  torch::Tensor Apply(const torch::Tensor& points) const;
};

// The spline that carries `from` to `to`, [N, K, 2] each in units of [-1, 1]:
//
//   [ U(|from_i - from_j|^2)   P ]                   [ w         ]   [ to ]
//   [ P^T                      0 ] + ridge * identity [ affine^T ] = [ 0  ]
//
// with rows P = (x, y, 1) of `from`. [TPS] has a ridge of 0.01. It stands on
// all K + 3 places of the diagonal, also in the block of zeros. So the spline
// is no interpolation and not the identity where from = to:
//
//   T(from_k) = to_k - ridge w_k.
//
// Solved by LU in float64. The matrix is indefinite, and for some `from` it is
// singular: where its smallest pivot is below 1e-14 of its largest. There the
// solution is the x of least |A x - b|^2 + 1e-12 |A|^2 |x|^2 instead, with
// Frobenius' |A|. Everywhere else this changes no bit. So keypoints of up to
// 1e6 give a finite spline, also in float32, and those that are not finite give
// NaN, to their problem only.
//
// Any device and floating dtype; differentiable in both keypoint sets.
ThinPlateOriginal SolveThinPlateOriginal(const torch::Tensor& from,
                                         const torch::Tensor& to, double ridge);

}  // namespace pipelines

#endif  // PIPELINES_MODEL_THIN_PLATE_ORIGINAL_H_
