#include "cpab/torch/tensor_flow.h"

#include <torch/types.h>

#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include "Eigen/Core"
#include "cpab/field/basis.h"
#include "cpab/field/tessellation.h"
#include "cpab/flow/flow.h"
#include "cpab/testing/draws.h"
#include "cpab/torch/tensor_of.h"
#include "gtest/gtest.h"

namespace cpab {
namespace {

using test_util::DrawPoints;
using test_util::DrawTheta;
using torch::Tensor;

double MaxDifference(const Tensor& a, const Tensor& b) {
  return (a - b).abs().max().item<double>();
}

// The thetas of the six fields v(x, y) = A (x, y, 1)^T with one 1 in A [2, 3]
// and zeros else: [6, d].
Tensor ThetaOfAffineFields(const Basis& basis) {
  const Eigen::Matrix2Xd& vertices = basis.tessellation().vertices();
  std::vector<Tensor> thetas;
  for (int row = 0; row < 2; ++row) {
    for (int column = 0; column < 3; ++column) {
      Eigen::Matrix2Xd velocities = Eigen::Matrix2Xd::Zero(2, vertices.cols());
      if (column == 2) {
        velocities.row(row).setOnes();
      } else {
        velocities.row(row) = vertices.row(column);
      }
      thetas.push_back(TensorOf(basis.ThetaFromVertices(velocities))[0]);
    }
  }
  return torch::stack(thetas);
}

// x [N, 2] by exp of the affine maps A [B, 2, 3]: [B, N, 2].
Tensor ExponentialMap(const Tensor& A, const Tensor& x) {
  const Tensor generator = torch::constant_pad_nd(A, {0, 0, 0, 1});
  const Tensor exponential = torch::matrix_exp(generator).slice(1, 0, 2);
  const Tensor homogeneous =
      torch::cat({x, torch::ones({x.size(0), 1}, x.options())}, 1);
  return homogeneous.matmul(exponential.transpose(1, 2));
}

// A field that is the same affine map in every cell, through many cells and
// outside of the square: a rotation, a shear, growth, a saddle and a sum of
// these with a translation. Values and gradients: each arc adds 1e-15, and
// paths have a few tens of them; the field's gradients are below 2.
TEST(TensorFlow, OfAnAffineFieldIsTheMatrixExponential) {
  const auto basis = Basis::Create({5, 3}).value();
  const Tensor of_affine = ThetaOfAffineFields(*basis);
  const Tensor x = TensorOf(DrawPoints(40, -0.3, 1.3, 1));
  const Tensor cotangent = TensorOf(DrawPoints(200, -1, 1, 2)).view({5, 40, 2});
  Tensor maps[2], ends[2];
  for (const int i : {0, 1}) {
    maps[i] = torch::tensor({{0.0, -1.0, 0.4, 1.0, 0.0, -0.6},
                             {0.0, 0.9, -0.2, 0.0, 0.0, 0.0},
                             {0.5, 0.0, -0.3, 0.0, 0.5, -0.2},
                             {0.7, 0.0, -0.4, 0.0, -0.7, 0.3},
                             {0.2, -0.6, 0.1, 0.8, -0.3, -0.2}},
                            torch::kFloat64)
                  .requires_grad_();
    ends[i] = i == 0 ? ExponentialMap(maps[i].view({-1, 2, 3}), x)
                     : TensorFlow(*basis, maps[i].matmul(of_affine), x);
    (ends[i] * cotangent).sum().backward();
  }
  EXPECT_LT(MaxDifference(ends[1], ends[0]), 1e-12);
  EXPECT_LT(MaxDifference(maps[1].grad(), maps[0].grad()), 1e-11);
}

// Where paths begin on edges and vertices, or run along them, either cell is
// right, since the field is continuous. Tolerances as in transform_test.cc.
TEST(TensorFlow, AgreesWithTheWalkOnEdgesAndVertices) {
  for (const TessellationOptions& options : test_util::AllKinds()) {
    SCOPED_TRACE(test_util::KindName(options));
    const auto basis = Basis::Create(options).value();
    const Eigen::Matrix2Xd points =
        test_util::PointsOnEdges(basis->tessellation(), 3);
    const Eigen::Matrix2Xd dl_dy =
        DrawPoints(static_cast<int>(points.cols()), -1, 1, 4);
    const Eigen::VectorXd theta = DrawTheta(*basis, 0.5, 5);
    const Flow flow(basis, theta);
    Eigen::Matrix2Xd expected(2, points.cols());
    flow.Transform<double>(points, expected);
    const FlowGradient<double> gradient = flow.Pullback<double>(points, dl_dy);

    const Tensor leaf = TensorOf(theta).requires_grad_();
    const Tensor y = TensorFlow(*basis, leaf, TensorOf(points))[0];
    EXPECT_LT(MaxDifference(y, TensorOf(expected)),
              1e-12 * (1 + expected.cwiseAbs().maxCoeff()));
    (y * TensorOf(dl_dy)).sum().backward();
    const Tensor of_theta = TensorOf(basis->ThetaFromCells(gradient.cells));
    EXPECT_LT(MaxDifference(leaf.grad(), of_theta),
              1e-11 * (1 + of_theta.abs().max().item<double>()));
  }
}

TEST(TensorFlow, SumsTheGradientsOfPointsThatTheBatchShares) {
  const auto basis = Basis::Create({3, 2}).value();
  const Tensor theta = torch::cat({TensorOf(DrawTheta(*basis, 0.3, 6)),
                                   TensorOf(DrawTheta(*basis, 0.6, 7))});
  const Tensor shared = TensorOf(DrawPoints(20, 0, 1, 8)).requires_grad_();
  const Tensor separate =
      shared.detach().expand({2, 20, 2}).clone().requires_grad_();
  const Tensor y = TensorFlow(*basis, theta, shared);
  const Tensor expected = TensorFlow(*basis, theta, separate);
  EXPECT_TRUE(torch::equal(y, expected));
  y.square().sum().backward();
  expected.square().sum().backward();
  EXPECT_LT(MaxDifference(shared.grad(), separate.grad().sum(0)), 1e-13);
}

TEST(TensorFlow, ComputesInFloat64AndReturnsTheDtypeOfThePoints) {
  const auto basis = Basis::Create({4, 4}).value();
  const Tensor theta = TensorOf(DrawTheta(*basis, 0.5, 9));
  const Tensor points =
      TensorOf(DrawPoints(50, 0, 1, 10)).unsqueeze(0).to(torch::kFloat32);
  const Tensor single = TensorFlow(*basis, theta, points);
  EXPECT_EQ(single.scalar_type(), torch::kFloat32);
  EXPECT_TRUE(
      torch::equal(single, TensorFlow(*basis, theta, points.to(torch::kFloat64))
                               .to(torch::kFloat32)));
  const Tensor of_single_theta =
      TensorFlow(*basis, theta.to(torch::kFloat32), points.to(torch::kFloat64));
  EXPECT_EQ(of_single_theta.scalar_type(), torch::kFloat64);
  EXPECT_TRUE(torch::equal(
      of_single_theta,
      TensorFlow(*basis, theta.to(torch::kFloat32).to(torch::kFloat64),
                 points.to(torch::kFloat64))));
}

TEST(TensorFlow, TakesAnEmptyBatch) {
  for (const bool sparse : {false, true}) {
    TessellationOptions options = {3, 2};
    options.sparse_basis = sparse;
    const auto basis = Basis::Create(options).value();
    const Tensor theta = torch::zeros({0, basis->theta_size()}, torch::kFloat64)
                             .requires_grad_();
    const Tensor y =
        TensorFlow(*basis, theta, TensorOf(DrawPoints(4, 0, 1, 15)));
    EXPECT_EQ(y.sizes(), torch::IntArrayRef({0, 4, 2}));
    y.sum().backward();
    EXPECT_EQ(theta.grad().sizes(), theta.sizes());
  }
}

TEST(TensorFlow, GradientsNeedNoBasisThatStillLives) {
  const Tensor points = TensorOf(DrawPoints(20, 0, 1, 16));
  auto basis = Basis::Create({4, 3}).value();
  const int64_t size = basis->vertex_basis().size();
  const Tensor theta = TensorOf(DrawTheta(*basis, 0.5, 17));
  Tensor leaves[2], y[2];
  for (const int i : {0, 1}) {
    leaves[i] = theta.clone().requires_grad_();
    y[i] = TensorFlow(*basis, leaves[i], points);
  }
  y[0].square().sum().backward();
  basis.reset();
  // Takes the memory that the basis had.
  const std::vector<std::vector<double>> others(
      8, std::vector<double>(size, std::numeric_limits<double>::quiet_NaN()));
  y[1].square().sum().backward();
  EXPECT_TRUE(torch::equal(leaves[1].grad(), leaves[0].grad()));
}

TEST(TensorFlow, KeepsAFieldThatIsNotFiniteWithinItsElement) {
  const auto basis = Basis::Create({3, 3}).value();
  std::vector<Tensor> rows;
  for (const uint64_t seed : {11, 12, 13}) {
    rows.push_back(TensorOf(DrawTheta(*basis, 0.5, seed)));
  }
  const Tensor points = TensorOf(DrawPoints(10, 0, 1, 14));
  const auto gradient_and_value = [&](const Tensor& theta) {
    const Tensor leaf = theta.clone().requires_grad_();
    const Tensor y = TensorFlow(*basis, leaf, points);
    y.sum().backward();
    return std::make_pair(leaf.grad(), y.detach());
  };
  const auto [whole_gradient, whole] = gradient_and_value(torch::cat(rows));
  for (const double bad : {std::numeric_limits<double>::quiet_NaN(),
                           std::numeric_limits<double>::infinity()}) {
    Tensor theta = torch::cat(rows);
    theta[1][0] = bad;
    const auto [gradient, y] = gradient_and_value(theta);
    EXPECT_TRUE(y[1].isnan().any().item<bool>());
    for (const int b : {0, 2}) {
      EXPECT_TRUE(torch::equal(y[b], whole[b])) << b;
      EXPECT_TRUE(torch::equal(gradient[b], whole_gradient[b])) << b;
    }
  }
}

}  // namespace
}  // namespace cpab
