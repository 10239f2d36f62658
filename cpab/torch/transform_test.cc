#include "cpab/torch/transform.h"

#include <ATen/Parallel.h>
#include <torch/torch.h>

#include <limits>
#include <tuple>

#include "absl/strings/str_cat.h"
#include "cpab/testing/draws.h"
#include "cpab/testing/flow_laws.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "third_party/absl/status_matchers.h"

namespace cpab {
namespace {

using ::testing::HasSubstr;
using ::testing::Values;
using torch::Tensor;

constexpr auto kTensorOps = Transform::Implementation::kTensorOps;
constexpr auto kAutomatic = Transform::Implementation::kAutomatic;

double MaxDifference(const Tensor& a, const Tensor& b) {
  return (a - b).abs().max().item<double>();
}

// [N, D] from [D, N], and back from [1, N, D].
Tensor TensorOf(const Eigen::MatrixXd& columns) {
  Tensor result = torch::empty({columns.cols(), columns.rows()},
                               torch::TensorOptions().dtype(torch::kFloat64));
  Eigen::Map<Eigen::MatrixXd>(result.data_ptr<double>(), columns.rows(),
                              columns.cols()) = columns;
  return result;
}
Eigen::MatrixXd ColumnsOf(const Tensor& points) {
  const Tensor dense = points.contiguous();
  return Eigen::Map<const Eigen::MatrixXd>(dense.data_ptr<double>(),
                                           dense.size(2), dense.size(1));
}

class TransformTest : public ::testing::TestWithParam<TessellationOptions> {
 protected:
  Tensor RandomTheta(int64_t batch, double magnitude, uint64_t seed) {
    return magnitude * torch::randn({batch, transform_.theta_size()},
                                    Generator(seed), torch::kFloat64);
  }
  // In [-0.3, 1.3]^2, or in the square where the field is continuous only
  // there.
  Tensor RandomPoints(torch::IntArrayRef shape, uint64_t seed) {
    const Tensor x = torch::rand(shape, Generator(seed), torch::kFloat64);
    return GetParam().zero_boundary ? x : 1.6 * x - 0.3;
  }
  static torch::Generator Generator(uint64_t seed) {
    return at::make_generator<at::CPUGeneratorImpl>(seed);
  }

  const Transform transform_ = Transform::Create(GetParam()).value();
};

INSTANTIATE_TEST_SUITE_P(Tessellations, TransformTest,
                         Values(TessellationOptions{4, 4, false, false},
                                TessellationOptions{3, 5, true, false},
                                TessellationOptions{5, 2, false, true},
                                TessellationOptions{1, 1, false, false}),
                         [](const auto& info) {
                           return absl::StrCat(
                               info.param.nx, "x", info.param.ny,
                               info.param.zero_boundary ? "_zero_boundary" : "",
                               info.param.volume_preserving ? "_volume" : "");
                         });

// Both implementations; the error of an arc is 1e-15, of a path 2e-14.
TEST_P(TransformTest, ObeysTheLawsOfAFlow) {
  const std::shared_ptr<const Basis>& basis = transform_.basis();
  for (const auto implementation : {kAutomatic, kTensorOps}) {
    const test_util::FlowUnderTest flow = {
        [&](const Eigen::VectorXd& theta,
            const Eigen::MatrixXd& points) -> Eigen::MatrixXd {
          return ColumnsOf(transform_.Apply(TensorOf(theta), TensorOf(points),
                                            implementation));
        },
        [&](const Eigen::VectorXd& theta) {
          return test_util::GradientBound(basis->CellsFromTheta(theta));
        },
        [](const Eigen::VectorXd&) { return 2e-14; }};
    const double low = GetParam().zero_boundary ? 0 : -0.3;
    for (const double magnitude : {0.05, 0.5, 2.0}) {
      SCOPED_TRACE(magnitude);
      const Eigen::Matrix2Xd edges =
          test_util::PointsOnEdges(basis->tessellation(), 1);
      Eigen::Matrix2Xd points(2, 60 + edges.cols());
      points << test_util::DrawPoints(60, low, 1 - low, 2), edges;
      const test_util::FlowDraw draw = {
          test_util::DrawTheta(*basis, magnitude, 3), points};
      test_util::ExpectFlowLaws(flow, draw);
      if (GetParam().zero_boundary) {
        test_util::ExpectCubeOntoItself(flow, draw);
      }
    }
  }
}

// The two implementations share formulas but neither code nor search strategy.
TEST_P(TransformTest, TensorOpsAgreeWithTheWalk) {
  for (const double magnitude : {0.05, 0.5, 2.0}) {
    Tensor theta[2], points[2], result[2];
    for (const auto implementation : {kAutomatic, kTensorOps}) {
      const int i = implementation == kTensorOps;
      theta[i] = RandomTheta(3, magnitude, 1).requires_grad_();
      points[i] = RandomPoints({3, 101, 2}, 2).requires_grad_();
      result[i] = transform_.Apply(theta[i], points[i], implementation);
      const Tensor cotangent =
          torch::randn(result[i].sizes(), Generator(3), torch::kFloat64);
      (result[i] * cotangent).sum().backward();
    }
    // Values grow like the exponential of the field's gradient: relative.
    const auto near = [](const Tensor& a, const Tensor& b) {
      return MaxDifference(a, b) / (1 + b.abs().max().item<double>());
    };
    EXPECT_LT(near(result[1], result[0]), 1e-12) << magnitude;
    EXPECT_LT(near(theta[1].grad(), theta[0].grad()), 1e-11) << magnitude;
    EXPECT_LT(near(points[1].grad(), points[0].grad()), 1e-11) << magnitude;
  }
}

TEST_P(TransformTest, GradientsAreThoseOfDifferences) {
  for (const auto implementation : {kAutomatic, kTensorOps}) {
    const Tensor theta = RandomTheta(2, 0.5, 4).requires_grad_();
    const Tensor points = RandomPoints({2, 17, 2}, 5).requires_grad_();
    const Tensor cotangent =
        torch::randn({2, 17, 2}, Generator(6), torch::kFloat64);
    const auto loss = [&](const Tensor& t, const Tensor& x) {
      return (transform_.Apply(t, x, implementation) * cotangent).sum();
    };
    loss(theta, points).backward();
    const torch::NoGradGuard no_grad;
    // Along a random direction in theta and points at once. The flow is smooth
    // but for kinks of its second derivative: an error of order h.
    const double h = 1e-6;
    const Tensor dtheta =
        torch::randn(theta.sizes(), Generator(7), torch::kFloat64);
    const Tensor dpoints =
        torch::randn(points.sizes(), Generator(8), torch::kFloat64);
    const double expected = ((loss(theta + h * dtheta, points + h * dpoints) -
                              loss(theta - h * dtheta, points - h * dpoints)) /
                             (2 * h))
                                .item<double>();
    const double actual =
        ((theta.grad() * dtheta).sum() + (points.grad() * dpoints).sum())
            .item<double>();
    EXPECT_NEAR(actual, expected, 1e-4 * (1 + std::abs(expected)));
  }
}

TEST_P(TransformTest, PointsCanBeSharedByTheBatch) {
  const Tensor theta = RandomTheta(3, 0.5, 1).requires_grad_();
  const Tensor shared = RandomPoints({33, 2}, 2).requires_grad_();
  const Tensor separate =
      shared.detach().expand({3, 33, 2}).clone().requires_grad_();
  for (const auto implementation : {kAutomatic, kTensorOps}) {
    shared.mutable_grad() = Tensor();
    separate.mutable_grad() = Tensor();
    const Tensor result = transform_.Apply(theta, shared, implementation);
    const Tensor expected = transform_.Apply(theta, separate, implementation);
    EXPECT_TRUE(torch::equal(result, expected));
    result.square().sum().backward();
    expected.square().sum().backward();
    EXPECT_LT(MaxDifference(shared.grad(), separate.grad().sum(0)), 1e-11);
  }
}

TEST_P(TransformTest, BatchElementsAreBitIdenticalToSinglesOnAnyThreads) {
  const int threads = at::get_num_threads();
  const Tensor theta = RandomTheta(5, 1.0, 1);
  const Tensor points = RandomPoints({5, 1500, 2}, 2);
  const auto run = [&](const Tensor& t, const Tensor& x) {
    const Tensor leaf_t = t.clone().requires_grad_();
    const Tensor leaf_x = x.clone().requires_grad_();
    const Tensor y = transform_.Apply(leaf_t, leaf_x);
    y.square().sum().backward();
    return std::make_tuple(y.detach(), leaf_t.grad(), leaf_x.grad());
  };
  at::set_num_threads(2);
  const auto [y, dt, dx] = run(theta, points);
  at::set_num_threads(1);
  for (int64_t b = 0; b < 5; ++b) {
    const auto [y1, dt1, dx1] =
        run(theta.slice(0, b, b + 1), points.slice(0, b, b + 1));
    EXPECT_TRUE(torch::equal(y1[0], y[b]));
    EXPECT_TRUE(torch::equal(dt1[0], dt[b]));
    EXPECT_TRUE(torch::equal(dx1[0], dx[b]));
  }
  at::set_num_threads(threads);
}

TEST_P(TransformTest, Float32DiffersByTheRoundingOfItsInputsOnly) {
  const Tensor theta = RandomTheta(2, 0.5, 1).to(torch::kFloat32);
  const Tensor points = RandomPoints({2, 200, 2}, 2).to(torch::kFloat32);
  for (const auto implementation : {kAutomatic, kTensorOps}) {
    const Tensor result = transform_.Apply(theta, points, implementation);
    EXPECT_EQ(result.scalar_type(), torch::kFloat32);
    const Tensor expected =
        transform_.Apply(theta.to(torch::kFloat64), points.to(torch::kFloat64));
    // Half a unit in the last place of values below 4.
    EXPECT_LT(MaxDifference(result.to(torch::kFloat64), expected), 1.2e-7);
  }
}

TEST_P(TransformTest, AcceptsNoPointsAndPassesNanThrough) {
  const Tensor theta = RandomTheta(2, 0.5, 1);
  for (const auto implementation : {kAutomatic, kTensorOps}) {
    EXPECT_EQ(transform_
                  .Apply(theta, torch::zeros({2, 0, 2}, torch::kFloat64),
                         implementation)
                  .numel(),
              0);
    Tensor points = RandomPoints({2, 3, 2}, 2);
    points[0][1][0] = std::numeric_limits<double>::quiet_NaN();
    points[1][2][1] = std::numeric_limits<double>::infinity();
    const Tensor bad = transform_.Apply(theta, points, implementation).isnan();
    const Tensor expected = ~points.isfinite().all(-1, true).expand({2, 3, 2});
    EXPECT_TRUE(torch::equal(bad, expected));
  }
}

TEST(TransformErrors, NamesWrongShapesDtypesAndOptions) {
  EXPECT_THAT(Transform::Create({0, 4}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("tessellation.nx is 0; use 1 to 32")));
  const Transform transform = Transform::Create({2, 2}).value();
  const Tensor points = torch::zeros({1, 3, 2});
  EXPECT_THROW(transform.Apply(torch::zeros({1, 7}), points), c10::Error);
  const Tensor theta = torch::zeros({1, 20});
  EXPECT_THROW(transform.Apply(theta, torch::zeros({2, 3, 2})), c10::Error);
  EXPECT_THROW(transform.Apply(theta, torch::zeros({1, 3, 3})), c10::Error);
  EXPECT_THROW(transform.Apply(theta, points.to(torch::kFloat64)), c10::Error);
  EXPECT_THROW(transform.Apply(theta.to(torch::kInt64), points), c10::Error);
}

}  // namespace
}  // namespace cpab
