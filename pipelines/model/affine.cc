#include "pipelines/model/affine.h"

#include <torch/types.h>

namespace pipelines {
namespace {

// The inverse of symmetric positive definite matrices [N, 2, 2].
torch::Tensor Inverse(const torch::Tensor& m) {
  const torch::Tensor a = m.select(1, 0).select(1, 0);
  const torch::Tensor b = m.select(1, 0).select(1, 1);
  const torch::Tensor c = m.select(1, 1).select(1, 1);
  const torch::Tensor adjugate =
      torch::stack({torch::stack({c, -b}, 1), torch::stack({-b, a}, 1)}, 1);
  return adjugate / (a * c - b * b).view({-1, 1, 1});
}

}  // namespace

torch::Tensor AffineFromKeypoints(const torch::Tensor& from,
                                  const torch::Tensor& to,
                                  const torch::Tensor& points, double ridge) {
  // In double: the determinant of a thin scatter matrix is a small difference.
  const torch::Tensor p = from.to(torch::kFloat64);
  const torch::Tensor d = to.to(torch::kFloat64) - p;
  const torch::Tensor p_mean = p.mean(1, /*keepdim=*/true);
  const torch::Tensor d_mean = d.mean(1, /*keepdim=*/true);
  const torch::Tensor p_centred = p - p_mean;
  const torch::Tensor scatter =
      torch::matmul(p_centred.transpose(1, 2), p_centred) +
      ridge * torch::eye(2, p.options());
  // M transposed: rows times it.
  const torch::Tensor m = torch::matmul(
      Inverse(scatter), torch::matmul(p_centred.transpose(1, 2), d - d_mean));
  const auto dtype = points.scalar_type();
  return points + d_mean.to(dtype) +
         torch::matmul(points - p_mean.to(dtype), m.to(dtype));
}

}  // namespace pipelines
