// Free-form deformations against a slow twin and closed forms. The laws of all
// motion models are in motion_test.cc.
#include "pipelines/model/bspline.h"

#include <torch/types.h>

#include <array>
#include <cmath>
#include <vector>

#include "gtest/gtest.h"
#include "networks/testing/tensor_near.h"
#include "pipelines/model/affine.h"
#include "pipelines/model/keypoints_test_util.h"

namespace pipelines {
namespace {

using networks::test_util::TensorNear;
using torch::Tensor;

// --- The slow twin: [FFD]'s spline by the recursion of Cox and de Boor, the
// whole system of all control points, and integrals by Newton's and Cotes'
// rule.

// The B-spline of degree p with knots i, i + 1, .., i + p + 1.
double DeBoor(int i, int p, double u) {
  if (p == 0) return u >= i && u < i + 1 ? 1 : 0;
  return (u - i) / p * DeBoor(i, p - 1, u) +
         (i + p + 1 - u) / p * DeBoor(i + 1, p - 1, u);
}

// Its derivative of the given order.
double DeBoor(int i, int p, double u, int order) {
  return order == 0 ? DeBoor(i, p, u)
                    : DeBoor(i, p - 1, u, order - 1) -
                          DeBoor(i + 1, p - 1, u, order - 1);
}

// B_l of an axis with `cells` spans at x in [-1, 1), or a derivative.
double AxisBasis(int l, int cells, double x, int order = 0) {
  const double u = 0.5 * cells * (x + 1);
  return std::pow(0.5 * cells, order) * DeBoor(l - 3, 3, u, order);
}

// The mean over [-1, 1] of B_l^(order) B_m^(order): exact to degree 7.
double MeanProduct(int l, int m, int cells, int order) {
  constexpr std::array<double, 7> kWeights = {41, 216, 27, 272, 27, 216, 41};
  double sum = 0;
  for (int span = 0; span < cells; ++span) {
    for (int j = 0; j < 7; ++j) {
      // A node at the end of a span belongs to it.
      const double u = span + (j == 6 ? 1 - 1e-12 : j / 6.0);
      const double x = 2 * u / cells - 1;
      sum += kWeights.at(j) / 840 * AxisBasis(l, cells, x, order) *
             AxisBasis(m, cells, x, order);
    }
  }
  return sum / cells;
}

// The matrix of all MeanProducts.
std::vector<std::vector<double>> MeanProducts(int cells, int order) {
  std::vector<std::vector<double>> products(cells + 3);
  for (int l = 0; l < cells + 3; ++l) {
    for (int m = 0; m < cells + 3; ++m) {
      products[l].push_back(MeanProduct(l, m, cells, order));
    }
  }
  return products;
}

// The basis at points [P, 2], [P, c].
Tensor SlowBasis(const Tensor& points, const BSplineOptions& options) {
  const int nx = static_cast<int>(options.cells_x);
  const int ny = static_cast<int>(options.cells_y);
  const Tensor basis =
      torch::zeros({points.size(0), (nx + 3) * (ny + 3)}, torch::kFloat64);
  for (int64_t k = 0; k < points.size(0); ++k) {
    for (int l = 0; l < nx + 3; ++l) {
      for (int m = 0; m < ny + 3; ++m) {
        basis[k][l * (ny + 3) + m] =
            AxisBasis(l, nx, points[k][0].item<double>()) *
            AxisBasis(m, ny, points[k][1].item<double>());
      }
    }
  }
  return basis;
}

Tensor SlowPenalty(const BSplineOptions& options) {
  const int nx = static_cast<int>(options.cells_x);
  const int ny = static_cast<int>(options.cells_y);
  std::array<std::vector<std::vector<double>>, 3> x, y;
  for (int order = 0; order < 3; ++order) {
    x.at(order) = MeanProducts(nx, order);
    y.at(order) = MeanProducts(ny, order);
  }
  const int64_t count = (nx + 3) * (ny + 3);
  const Tensor penalty = torch::zeros({count, count}, torch::kFloat64);
  for (int64_t i = 0; i < count; ++i) {
    for (int64_t j = 0; j < count; ++j) {
      const auto product = [&](int order_x, int order_y) {
        return x.at(order_x)[i / (ny + 3)][j / (ny + 3)] *
               y.at(order_y)[i % (ny + 3)][j % (ny + 3)];
      };
      penalty[i][j] = options.bending_ridge *
                          (product(2, 0) + 2 * product(1, 1) + product(0, 2)) +
                      options.affine_ridge * (product(1, 0) + product(0, 1));
    }
  }
  return penalty;
}

// T(points) for one problem, [K, 2], [K, 2], [P, 2].
Tensor SlowMap(const Tensor& from, const Tensor& to, const Tensor& points,
               const BSplineOptions& options) {
  const Tensor a = SlowBasis(from, options);
  const Tensor control =
      torch::linalg_solve(torch::matmul(a.t(), a) + SlowPenalty(options),
                          torch::matmul(a.t(), to - from));
  return points + torch::matmul(SlowBasis(points, options), control);
}

TEST(BSplineFromKeypoints, IsTheMinimumOfItsCost) {
  for (const BSplineOptions& options :
       {BSplineOptions{4, 4, 1e-3, 1e-4}, BSplineOptions{3, 5, 0.1, 0.01}}) {
    const Tensor from = RandomKeypoints(1, 1);
    const Tensor to = from + 0.2 * torch::sin(9 * from);
    const Tensor points = Plane(0.99);
    const Tensor actual = BSplineFromKeypoints(options)(from, to, points);
    // The twin's system has the condition 1e7, so 1e-9 of displacements of 0.2.
    EXPECT_THAT(actual[0],
                TensorNear(SlowMap(from[0], to[0], points[0], options), 1e-8));
  }
}

TEST(BSplineFromKeypoints, InterpolatesWhereRidgesAreSmall) {
  const Tensor from = RandomKeypoints(8, 7);
  const Tensor to = from + 0.2 * torch::sin(40 * from);
  const BSplineFromKeypoints map({4, 4, 1e-9, 1e-10});
  // What is missed falls with the ridges; keypoints that are close to each
  // other bend the spline most.
  EXPECT_THAT(map(from, to, from), TensorNear(to, 1e-3));
}

TEST(BSplineFromKeypoints, BecomesAffineWhereBendingIsDear) {
  const Tensor from = RandomKeypoints(8, 9);
  const Tensor to = from + 0.2 * torch::sin(40 * from);
  const Tensor plane = Plane(1).expand({8, -1, -1});
  const BSplineFromKeypoints map({4, 4, 1e5, 1e-4});
  // Of an affine map both have the slope's size as their cost. Bending is left
  // with 1e-5 of the residuals.
  EXPECT_THAT(map(from, to, plane),
              TensorNear(AffineFromKeypoints(from, to, plane, 1e-4), 1e-4));
}

TEST(BSplineFromKeypoints, GoesOnLinearlyBeyondTheImage) {
  const Tensor from = RandomKeypoints(1, 3);
  const Tensor to = from + 0.2 * torch::sin(9 * from);
  const BSplineFromKeypoints map({4, 4, 1e-3, 1e-4});
  for (const double y : {-0.3, 0.9}) {
    const Tensor x = torch::tensor({1 - 1e-6, 1.0, 1.0 + 1e-6, 1.5, 2.0, 2.5},
                                   torch::kFloat64);
    const Tensor points =
        torch::stack({x, torch::full_like(x, y)}, 1).unsqueeze(0);
    const Tensor moved = map(from, to, points)[0];
    EXPECT_THAT(moved[5] - moved[4], TensorNear(moved[4] - moved[3], 1e-12));
    // And without a jump of the slope: differences of 1e-6, less rounding.
    EXPECT_THAT(moved[2] - moved[1], TensorNear(moved[1] - moved[0], 1e-10));
  }
}

}  // namespace
}  // namespace pipelines
