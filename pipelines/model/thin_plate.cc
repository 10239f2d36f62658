#include "pipelines/model/thin_plate.h"

#include <torch/types.h>

#include <tuple>

#include "networks/copy_ahead.h"

namespace pipelines {
namespace {

using torch::Tensor;

// U(|x_i - c_j|^2) of [N, P, 2] and [N, C, 2]: [N, P, C].
Tensor Kernel(const Tensor& x, const Tensor& centres) {
  const Tensor s = (x.unsqueeze(2) - centres.unsqueeze(1)).square().sum(-1);
  return s * torch::log(s + 1e-9);
}

// [1, x, y] of [N, P, 2]: [N, P, 3].
Tensor Homogeneous(const Tensor& x) {
  return torch::cat({torch::ones_like(x.slice(2, 0, 1)), x}, 2);
}

// The corners of the image, [1, 4, 2].
Tensor Corners(const Tensor& like) {
  return networks::NumbersAhead({-1, -1, 1, -1, -1, 1, 1, 1}, like)
      .view({1, 4, 2});
}

// The values at x [N, P, 2] of the affine function that is the least-squares
// fit to values at the corners, as weights of these: [N, P, 4].
Tensor AffineInCorners(const Tensor& x) {
  return torch::matmul(Homogeneous(x),
                       Homogeneous(Corners(x)).transpose(1, 2)) /
         4;
}

// A spline's bending part, given by weights at its centres that no affine
// function notices (sum w = 0, sum w c = 0), less its affine part.
struct Bending {
  Tensor centres;  // [N, K + 4, 2]: keypoints and corners
  // [N, K, K + 4], one row a keypoint: 1 at it, and at the corners what
  // balances it.
  Tensor balanced;

  explicit Bending(const Tensor& keypoints)
      : centres(torch::cat(
            {keypoints, Corners(keypoints).expand({keypoints.size(0), 4, 2})},
            1)),
        balanced(torch::cat({torch::eye(keypoints.size(1), keypoints.options())
                                 .expand({keypoints.size(0), -1, -1}),
                             -AffineInCorners(keypoints)},
                            2)) {}

  // Positive semidefinite, since U is so for balanced weights: [N, K, K].
  Tensor Gram() const {
    return torch::matmul(torch::matmul(balanced, Kernel(centres, centres)),
                         balanced.transpose(1, 2));
  }
};

// Weights w [N, K, 2] of the keypoints. The covariance of d under the prior:
// bending, noise, and the affine part with variance bending / affine ridge.
Tensor SolveWeights(const Tensor& keypoints, const Tensor& d,
                    const Bending& bending, const ThinPlateOptions& options) {
  const Tensor affine = Homogeneous(keypoints);
  const Tensor covariance =
      bending.Gram() +
      options.bending_ridge * torch::eye(d.size(1), d.options()) +
      options.bending_ridge / options.affine_ridge *
          torch::matmul(affine, affine.transpose(1, 2));
  // Unchecked: keypoints that are not finite give NaN, not an exception.
  const Tensor factor =
      std::get<0>(torch::linalg_cholesky_ex(covariance, /*upper=*/false,
                                            /*check_errors=*/false));
  return torch::cholesky_solve(d, factor);
}

}  // namespace

Tensor ThinPlateFromKeypoints(const Tensor& from, const Tensor& to,
                              const Tensor& points,
                              const ThinPlateOptions& options) {
  // In double: the covariance's condition is about 1e5.
  const Tensor p = from.to(torch::kFloat64);
  const Tensor d = to.to(torch::kFloat64) - p;
  const Tensor d_mean = d.mean(1, /*keepdim=*/true);
  const Bending bending(p);
  const Tensor w = SolveWeights(p, d - d_mean, bending, options);
  const Tensor centre_weights =
      torch::matmul(bending.balanced.transpose(1, 2), w);  // [N, K + 4, 2]
  // The affine part, less that of the bending part at the corners.
  const Tensor corners = Corners(p);
  const Tensor bent_corners =
      torch::matmul(Kernel(corners, bending.centres), centre_weights);
  const Tensor affine =
      options.bending_ridge / options.affine_ridge *
          torch::matmul(Homogeneous(p).transpose(1, 2), w) -
      torch::matmul(Homogeneous(corners).transpose(1, 2), bent_corners) / 4;

  const auto dtype = points.scalar_type();
  return points + d_mean.to(dtype) +
         torch::matmul(Homogeneous(points), affine.to(dtype)) +
         torch::matmul(Kernel(points, bending.centres.to(dtype)),
                       centre_weights.to(dtype));
}

}  // namespace pipelines
