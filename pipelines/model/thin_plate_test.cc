// Closed forms of the thin-plate spline. The laws that it shares with the other
// motion models are in motion_test.cc.
#include "pipelines/model/thin_plate.h"

#include <torch/types.h>

#include "gtest/gtest.h"
#include "networks/testing/tensor_near.h"
#include "pipelines/model/affine.h"
#include "pipelines/model/keypoints_test_util.h"

namespace pipelines {
namespace {

using networks::test_util::TensorNear;
using torch::Tensor;

constexpr double kTiny = 1e-6;  // a ridge that hardly matters

TEST(ThinPlate, InterpolatesWhereRidgesAreSmall) {
  const Tensor from = RandomKeypoints(8, 7);
  const Tensor to = from + 0.2 * torch::sin(40 * from);
  // Missed by ridge * weights, which are displacements of 0.2 over the Gram
  // matrix' smallest eigenvalue, 0.01 or more here.
  EXPECT_THAT(ThinPlateFromKeypoints(from, to, from, {kTiny, kTiny}),
              TensorNear(to, 1e-4));
}

// The textbook's system [K + ridge I, P; P^T, 0] [w; a] = [to; 0].
TEST(ThinPlate, IsTheSplineOfTheSaddlePointSystem) {
  const Tensor p = RandomKeypoints(1, 8)[0];
  const Tensor q = p + 0.2 * torch::sin(40 * p);
  const auto kernel = [](const Tensor& x, const Tensor& c) {
    const Tensor s = (x.unsqueeze(1) - c.unsqueeze(0)).square().sum(-1);
    return s * torch::log(s + 1e-9);
  };
  const auto homogeneous = [](const Tensor& x) {
    return torch::cat({x, torch::ones({x.size(0), 1}, x.options())}, 1);
  };
  Tensor system = torch::zeros({8, 8}, torch::kFloat64);
  system.slice(0, 0, 5).slice(1, 0, 5) =
      kernel(p, p) + 0.01 * torch::eye(5, torch::kFloat64);
  system.slice(0, 0, 5).slice(1, 5) = homogeneous(p);
  system.slice(0, 5).slice(1, 0, 5) = homogeneous(p).t();
  const Tensor solution = torch::linalg_solve(
      system, torch::cat({q, torch::zeros({3, 2}, torch::kFloat64)}));
  const Tensor x = Plane(1.2)[0];
  const Tensor expected = torch::matmul(kernel(x, p), solution.slice(0, 0, 5)) +
                          torch::matmul(homogeneous(x), solution.slice(0, 5));
  // The affine part's ridge gives kTiny / 0.01 of it to bending.
  EXPECT_THAT(ThinPlateFromKeypoints(p.unsqueeze(0), q.unsqueeze(0), Plane(1.2),
                                     {0.01, kTiny})[0],
              TensorNear(expected, 5e-4));
}

TEST(ThinPlate, BecomesAffineWhereBendingIsDear) {
  const Tensor from = RandomKeypoints(8, 9);
  const Tensor to = from + 0.2 * torch::sin(40 * from);
  const Tensor plane = Plane(1.2).expand({8, -1, -1});
  // Bending is left with 1e-4 of the residuals.
  EXPECT_THAT(ThinPlateFromKeypoints(from, to, plane, {1e4, kTiny}),
              TensorNear(AffineFromKeypoints(from, to, plane, kTiny), 1e-3));
}

}  // namespace
}  // namespace pipelines
