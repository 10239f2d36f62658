#include "pipelines/model/bspline.h"

#include <torch/types.h>
#include <torch/utils.h>

#include <tuple>

#include "networks/copy_ahead.h"

namespace pipelines {
namespace {

using torch::Tensor;

// Control points of an axis beyond its spans.
constexpr int64_t kExtra = 3;

// The cubic B-spline with knots -2, -1, 0, 1, 2 and its derivatives.
Tensor Cubic(const Tensor& z) {
  const Tensor a = z.abs();
  return ((2 - a).clamp_min(0).pow(3) - 4 * (1 - a).clamp_min(0).pow(3)) / 6;
}
Tensor CubicSlope(const Tensor& z) {
  const Tensor a = z.abs();
  return z.sign() *
         (4 * (1 - a).clamp_min(0).square() - (2 - a).clamp_min(0).square()) /
         2;
}
Tensor CubicCurvature(const Tensor& z) {
  const Tensor a = z.abs();
  return (2 - a).clamp_min(0) - 4 * (1 - a).clamp_min(0);
}

// Where u, in spans from 0 to `cells`, is as each control point sees it.
// Control point l of cells + 3 stands at l - 1. [..] to [.., cells + 3].
Tensor FromControlPoints(const Tensor& u, int64_t cells) {
  return u.unsqueeze(-1) - torch::arange(-1, cells + kExtra - 1, u.options());
}

// B_l at coordinates in [-1, 1], and their linear continuations beyond:
// [..] to [.., cells + 3]. The values add up to 1 everywhere.
Tensor AxisBasis(const Tensor& x, int64_t cells) {
  const Tensor u = (x + 1) * (0.5 * static_cast<double>(cells));
  const Tensor inside = u.clamp(0, cells);
  const Tensor z = FromControlPoints(inside, cells);
  return Cubic(z) + CubicSlope(z) * (u - inside).unsqueeze(-1);
}

// The means over [-1, 1] of all products of two B_l, of their first and of
// their second derivatives, [cells + 3, cells + 3] each.
struct AxisProducts {
  Tensor values, slopes, curvatures;

  explicit AxisProducts(int64_t cells) {
    // Gauss-Legendre with 4 nodes a span is exact: products of cubics have
    // degree 6.
    const auto options = torch::TensorOptions().dtype(torch::kFloat64);
    const Tensor nodes =
        0.5 + 0.5 * torch::tensor({-0.8611363115940526, -0.3399810435848563,
                                   0.3399810435848563, 0.8611363115940526},
                                  options);
    const Tensor weights =
        0.5 * torch::tensor({0.3478548451374538, 0.6521451548625461,
                             0.6521451548625461, 0.3478548451374538},
                            options);
    const Tensor u =
        (torch::arange(cells, options).unsqueeze(1) + nodes).view(-1);
    const Tensor z = FromControlPoints(u, cells);
    const Tensor shares =
        weights.repeat({cells}).unsqueeze(1) / static_cast<double>(cells);
    const auto products = [&shares](const Tensor& f) {
      return torch::matmul(f.t(), shares * f);
    };
    // d/dx = cells / 2 d/du.
    const double scale = 0.5 * static_cast<double>(cells);
    values = products(Cubic(z));
    slopes = products(scale * CubicSlope(z));
    curvatures = products(scale * scale * CubicCurvature(z));
  }
};

// c^T Q c is what the spline with control points c costs, for one component.
Tensor Penalty(const BSplineOptions& options) {
  const AxisProducts x(options.cells_x);
  const AxisProducts y(options.cells_y);
  const Tensor bending = torch::kron(x.curvatures, y.values) +
                         2 * torch::kron(x.slopes, y.slopes) +
                         torch::kron(x.values, y.curvatures);
  const Tensor slope =
      torch::kron(x.slopes, y.values) + torch::kron(x.values, y.slopes);
  return options.bending_ridge * bending + options.affine_ridge * slope;
}

// The prior covariance of control points. A constant costs nothing; what it is
// given here makes no difference, since keypoints see control points less their
// mean.
Tensor CovarianceOf(const BSplineOptions& options) {
  const torch::NoGradGuard no_grad;
  const Tensor penalty = Penalty(options);
  const double of_constant =
      penalty.trace().item<double>() / static_cast<double>(penalty.size(0));
  return torch::cholesky_inverse(torch::linalg_cholesky(
      penalty + of_constant / static_cast<double>(penalty.size(0))));
}

}  // namespace

BSplineFromKeypoints::BSplineFromKeypoints(const BSplineOptions& options)
    : cells_x_(options.cells_x),
      cells_y_(options.cells_y),
      covariance_(CovarianceOf(options)) {}

// B_l(x_1) B_m(x_2) at points [N, P, 2]: [N, P, c].
Tensor BSplineFromKeypoints::Basis(const Tensor& points) const {
  const Tensor x = AxisBasis(points.select(2, 0), cells_x_);
  const Tensor y = AxisBasis(points.select(2, 1), cells_y_);
  return (x.unsqueeze(-1) * y.unsqueeze(-2)).flatten(2);
}

// In K unknowns instead of c: with A the basis at the keypoints less its mean
// over them and S the covariance, c = S A^T w, (A S A^T + I) w = d. The matrix
// has no eigenvalue below 1, whatever the keypoints.
Tensor BSplineFromKeypoints::ControlPoints(const Tensor& basis,
                                           const Tensor& displacements) const {
  const int64_t problems = basis.size(0);
  // One product a problem, so that its bits do not depend on the others.
  const Tensor influence =
      torch::bmm(basis, networks::CopyAhead(covariance_, basis.device())
                            .expand({problems, -1, -1}));
  const Tensor system = torch::bmm(influence, basis.transpose(1, 2)) +
                        torch::eye(basis.size(1), basis.options());
  // Unchecked: keypoints that are not finite give NaN, not an exception.
  const Tensor factor =
      std::get<0>(torch::linalg_cholesky_ex(system, /*upper=*/false,
                                            /*check_errors=*/false));
  return torch::bmm(influence.transpose(1, 2),
                    torch::cholesky_solve(displacements, factor));
}

// s at points [N, P, 2], axis by axis: [N, P, 2].
Tensor BSplineFromKeypoints::Spline(const Tensor& control,
                                    const Tensor& points) const {
  const int64_t problems = points.size(0);
  const Tensor x = AxisBasis(points.select(2, 0), cells_x_);
  const Tensor y = AxisBasis(points.select(2, 1), cells_y_);
  const Tensor rows =
      torch::bmm(x, control.reshape({problems, cells_x_ + kExtra, -1}))
          .view({problems, -1, cells_y_ + kExtra, 2});
  return (rows * y.unsqueeze(-1)).sum(2);
}

Tensor BSplineFromKeypoints::operator()(const Tensor& from, const Tensor& to,
                                        const Tensor& points) const {
  const Tensor p = from.to(torch::kFloat64);
  const Tensor d = to.to(torch::kFloat64) - p;
  const Tensor d_mean = d.mean(1, /*keepdim=*/true);
  const Tensor basis = Basis(p);
  const Tensor basis_mean = basis.mean(1, /*keepdim=*/true);
  const Tensor control = ControlPoints(basis - basis_mean, d - d_mean);
  const Tensor constant = d_mean - torch::bmm(basis_mean, control);
  const auto dtype = points.scalar_type();
  return points + constant.to(dtype) + Spline(control.to(dtype), points);
}

}  // namespace pipelines
