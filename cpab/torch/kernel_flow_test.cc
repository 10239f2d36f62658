// The kernels on tensors, by the host's build of their source, against the walk
// of cpab/flow.
//
// Errors: 90 epsilon e^K of values, K a bound on the velocity's gradient, as
// cpab/cuda/flow_arrays_test.cc argues, and ten times that of gradients, where
// a crossing may be slow. Of the largest value, and at least of 1.
#include "cpab/torch/kernel_flow.h"

#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <memory>

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

// Dense and sparse, as the basis is stored.
constexpr TessellationOptions kDense = {4, 3, false, false, false};
constexpr TessellationOptions kSparse = {4, 3, true, false, true};

constexpr double kEpsilon = std::numeric_limits<double>::epsilon();

double MaxDifference(const Tensor& a, const Tensor& b) {
  return (a - b).abs().max().item<double>();
}

double RelativeDifference(const Tensor& actual, const Tensor& expected) {
  return MaxDifference(actual, expected) /
         (1 + expected.abs().max().item<double>());
}

class KernelFlowTest : public ::testing::TestWithParam<TessellationOptions> {
 protected:
  // [B, d].
  Tensor Thetas(int batch) const {
    Eigen::MatrixXd columns(basis_->theta_size(), batch);
    for (int b = 0; b < batch; ++b) {
      columns.col(b) = DrawTheta(*basis_, 0.3, 10 + static_cast<uint64_t>(b));
    }
    return TensorOf(columns);
  }

  Eigen::VectorXd ThetaOf(const Tensor& thetas, int64_t b) const {
    const Tensor row = thetas[b].detach().contiguous();
    return Eigen::Map<const Eigen::VectorXd>(row.data_ptr<double>(),
                                             basis_->theta_size());
  }

  double PathRounding(const Tensor& thetas, double epsilon) const {
    double bound = 0;
    for (int64_t b = 0; b < thetas.size(0); ++b) {
      bound = std::max(bound, test_util::GradientBound(
                                  basis_->CellsFromTheta(ThetaOf(thetas, b))));
    }
    return 90 * epsilon * std::exp(bound);
  }

  const std::shared_ptr<const Basis> basis_ = Basis::Create(GetParam()).value();
  const Eigen::Matrix2Xd x_ = DrawPoints(50, 0, 1, 1);
  const Eigen::Matrix2Xd dl_dy_ = DrawPoints(50, -1, 1, 2);
};

INSTANTIATE_TEST_SUITE_P(Bases, KernelFlowTest,
                         ::testing::Values(kDense, kSparse),
                         [](const auto& info) {
                           return info.param.sparse_basis ? "Sparse" : "Dense";
                         });

TEST_P(KernelFlowTest, HasTheValuesAndGradientsOfTheWalk) {
  const Tensor theta = Thetas(3).requires_grad_();
  const Tensor points =
      TensorOf(x_).expand({3, 50, 2}).clone().requires_grad_();
  const Tensor y = KernelFlow(basis_, theta, points);
  (y * TensorOf(dl_dy_)).sum().backward();
  const double tolerance = PathRounding(theta, kEpsilon);
  for (int64_t b = 0; b < 3; ++b) {
    const Flow flow(basis_, ThetaOf(theta, b));
    Eigen::Matrix2Xd expected(2, x_.cols());
    flow.Transform<double>(x_, expected);
    EXPECT_LT(RelativeDifference(y[b].detach(), TensorOf(expected)), tolerance)
        << b;
    const FlowGradient<double> gradient = flow.Pullback<double>(x_, dl_dy_);
    EXPECT_LT(
        RelativeDifference(theta.grad()[b],
                           TensorOf(basis_->ThetaFromCells(gradient.cells))[0]),
        10 * tolerance)
        << b;
    EXPECT_LT(RelativeDifference(points.grad()[b], TensorOf(gradient.points)),
              10 * tolerance)
        << b;
  }
}

TEST_P(KernelFlowTest, OfThetaZeroIsTheIdentityExactly) {
  const Tensor theta = torch::zeros({2, basis_->theta_size()}, torch::kFloat64);
  const Tensor points = TensorOf(x_);
  EXPECT_TRUE(torch::equal(KernelFlow(basis_, theta, points),
                           points.expand({2, 50, 2})));
}

TEST_P(KernelFlowTest, SumsTheGradientsOfPointsThatTheBatchShares) {
  const Tensor theta = Thetas(3);
  const Tensor shared = TensorOf(x_).requires_grad_();
  const Tensor separate =
      shared.detach().expand({3, 50, 2}).clone().requires_grad_();
  const Tensor y = KernelFlow(basis_, theta, shared);
  const Tensor expected = KernelFlow(basis_, theta, separate);
  EXPECT_TRUE(torch::equal(y, expected));
  y.square().sum().backward();
  expected.square().sum().backward();
  EXPECT_LT(MaxDifference(shared.grad(), separate.grad().sum(0)), 1e-13);
}

TEST_P(KernelFlowTest, WorksAndReturnsInTheDtypeOfThePoints) {
  const Tensor theta = Thetas(2);
  const Tensor points = TensorOf(x_);
  const Tensor expected = KernelFlow(basis_, theta, points);
  const Tensor leaf = theta.to(torch::kFloat32).requires_grad_();
  const Tensor y = KernelFlow(basis_, leaf, points.to(torch::kFloat32));
  EXPECT_EQ(y.scalar_type(), torch::kFloat32);
  EXPECT_LT(RelativeDifference(y.detach().to(torch::kFloat64), expected),
            PathRounding(theta, std::numeric_limits<float>::epsilon()));
  y.sum().backward();
  EXPECT_EQ(leaf.grad().scalar_type(), torch::kFloat32);
}

TEST_P(KernelFlowTest, TakesTensorsThatAreNotContiguous) {
  const Tensor theta = Thetas(2);
  const Tensor wide =
      torch::zeros({2, 2 * basis_->theta_size()}, torch::kFloat64);
  wide.slice(1, 0, wide.size(1), 2).copy_(theta);
  const Tensor points = TensorOf(x_);
  const Tensor transposed = points.t().contiguous().t();
  ASSERT_FALSE(transposed.is_contiguous());
  const Tensor leaf = transposed.clone(at::MemoryFormat::Preserve);
  leaf.requires_grad_();
  const Tensor dense = points.clone().requires_grad_();
  const Tensor y = KernelFlow(basis_, wide.slice(1, 0, wide.size(1), 2), leaf);
  const Tensor expected = KernelFlow(basis_, theta, dense);
  EXPECT_TRUE(torch::equal(y, expected));
  // A gradient of strides 0, and one that is transposed.
  y.sum().backward();
  expected.backward(torch::ones({2, 2, 50}, torch::kFloat64).transpose(1, 2));
  EXPECT_TRUE(torch::equal(leaf.grad(), dense.grad()));
}

TEST_P(KernelFlowTest, KeepsNanWithinItsElement) {
  Tensor theta = Thetas(3);
  const Tensor points = TensorOf(x_);
  const Tensor whole = KernelFlow(basis_, theta, points);
  theta[1][0] = std::numeric_limits<double>::quiet_NaN();
  const Tensor y = KernelFlow(basis_, theta, points);
  EXPECT_TRUE(y[1].isnan().any().item<bool>());
  EXPECT_TRUE(torch::equal(y[0], whole[0]));
  EXPECT_TRUE(torch::equal(y[2], whole[2]));
}

TEST_P(KernelFlowTest, TakesBatchesWithoutPoints) {
  const Tensor theta = Thetas(2).requires_grad_();
  const Tensor y =
      KernelFlow(basis_, theta, torch::empty({0, 2}, torch::kFloat64));
  EXPECT_EQ(y.sizes(), torch::IntArrayRef({2, 0, 2}));
  y.sum().backward();
  EXPECT_EQ(theta.grad().abs().max().item<double>(), 0);
}

}  // namespace
}  // namespace cpab
