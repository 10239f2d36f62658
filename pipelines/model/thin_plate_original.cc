#include "pipelines/model/thin_plate_original.h"

#include <torch/types.h>

#include <cstdint>
#include <tuple>

namespace pipelines {
namespace {

using torch::Tensor;

constexpr double kSingular = 1e-14;
constexpr double kPenalty = 1e-12;

// U(|x_i - c_j|^2) of [N, P, 2] and [N, K, 2]: [N, P, K].
Tensor Kernel(const Tensor& x, const Tensor& centres) {
  const Tensor s = (x.unsqueeze(2) - centres.unsqueeze(1)).square().sum(-1);
  return s * torch::log(s + 1e-9);
}

// [x, y, 1] of [N, P, 2]: [N, P, 3].
Tensor Homogeneous(const Tensor& x) {
  return torch::cat({x, torch::ones_like(x.slice(2, 0, 1))}, 2);
}

Tensor Identity(const Tensor& square) {
  return torch::eye(square.size(-1), square.options());
}

// The system's matrix, [N, K + 3, K + 3].
Tensor System(const Tensor& keypoints, double ridge) {
  const Tensor affine = Homogeneous(keypoints);
  const Tensor top = torch::cat({Kernel(keypoints, keypoints), affine}, 2);
  const Tensor bottom =
      torch::cat({affine.transpose(1, 2),
                  torch::zeros({keypoints.size(0), 3, 3}, keypoints.options())},
                 2);
  const Tensor system = torch::cat({top, bottom}, 1);
  return system + ridge * Identity(system);
}

// Which of the matrices [N, n, n] are singular to working precision, [N, 1, 1].
// False for those that are not finite.
Tensor AreSingular(const Tensor& matrices) {
  const Tensor lu = std::get<0>(torch::linalg_lu_factor_ex(
      matrices.detach(), /*pivot=*/true, /*check_errors=*/false));
  const Tensor pivots = lu.diagonal(0, 1, 2).abs();
  return (pivots.amin(1) <= kSingular * pivots.amax(1)).view({-1, 1, 1});
}

// X with A X = B, of [N, n, n] and [N, n, 2].
Tensor SolveOrApproximate(const Tensor& a, const Tensor& b) {
  const Tensor singular = AreSingular(a);
  // The normal equations, divided by |A|^2: no eigenvalue below the penalty.
  const Tensor norm = a.detach().square().sum({1, 2}, /*keepdim=*/true).sqrt();
  const Tensor unit = a / norm;
  const Tensor normal =
      torch::matmul(unit, unit) + kPenalty * Identity(unit);  // A is symmetric
  // Unchecked: what is not finite gives NaN, not an exception.
  return std::get<0>(torch::linalg_solve_ex(
      torch::where(singular, normal, a),
      torch::where(singular, torch::matmul(unit, b / norm), b),
      /*left=*/true, /*check_errors=*/false));
}

}  // namespace

Tensor ThinPlateOriginal::Apply(const Tensor& points) const {
  const Tensor x = points.to(torch::kFloat64);
  const Tensor moved = torch::matmul(Homogeneous(x), affine.transpose(1, 2)) +
                       torch::matmul(Kernel(x, centres), weights);
  return moved.to(points.scalar_type());
}

ThinPlateOriginal SolveThinPlateOriginal(const Tensor& from, const Tensor& to,
                                         double ridge) {
  const Tensor centres = from.to(torch::kFloat64);
  const Tensor targets = to.to(torch::kFloat64);
  const int64_t count = centres.size(1);
  const Tensor solution = SolveOrApproximate(
      System(centres, ridge),
      torch::cat(
          {targets, torch::zeros({targets.size(0), 3, 2}, targets.options())},
          1));
  return {centres, solution.slice(1, 0, count),
          solution.slice(1, count).transpose(1, 2)};
}

}  // namespace pipelines
