#include "cpab/torch/transform.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Parallel.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <cmath>
#include <limits>
#include <tuple>
#include <vector>

#include "absl/strings/str_cat.h"
#include "cpab/testing/draws.h"
#include "cpab/testing/flow_laws.h"
#include "cpab/torch/tensor_of.h"
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
constexpr auto kKernels = Transform::Implementation::kKernels;

double MaxDifference(const Tensor& a, const Tensor& b) {
  return (a - b).abs().max().item<double>();
}

// [D, N] from [1, N, D].
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
  // In [-0.3, 1.3]^2.
  Tensor RandomPoints(torch::IntArrayRef shape, uint64_t seed) {
    return 1.6 * torch::rand(shape, Generator(seed), torch::kFloat64) - 0.3;
  }
  // K of flow_laws.h, for theta [1, d] float64.
  double GradientBound(const Tensor& theta) const {
    const Tensor dense = theta.detach().contiguous();
    return test_util::GradientBound(
        transform_.basis()->CellsFromTheta(Eigen::Map<const Eigen::VectorXd>(
            dense.data_ptr<double>(), dense.numel())));
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
                                TessellationOptions{1, 1, false, false},
                                TessellationOptions{4, 3, true, false, true}),
                         [](const auto& info) {
                           return absl::StrCat(
                               info.param.nx, "x", info.param.ny,
                               info.param.zero_boundary ? "_zero_boundary" : "",
                               info.param.volume_preserving ? "_volume" : "",
                               info.param.sparse_basis ? "_sparse" : "");
                         });

// All implementations; the error of an arc is 1e-15, of a path 2e-14.
TEST_P(TransformTest, ObeysTheLawsOfAFlow) {
  const std::shared_ptr<const Basis>& basis = transform_.basis();
  for (const auto implementation : {kAutomatic, kTensorOps, kKernels}) {
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
    // Tensor operations take long where points cross many cells. That they
    // agree with the walk there is the next test.
    std::vector<double> magnitudes = {0.05, 0.5};
    if (implementation != kTensorOps) magnitudes.push_back(2.0);
    for (const double magnitude : magnitudes) {
      SCOPED_TRACE(magnitude);
      const Eigen::Matrix2Xd edges =
          test_util::PointsOnEdges(basis->tessellation(), 1);
      Eigen::Matrix2Xd points(2, 60 + edges.cols());
      points << test_util::DrawPoints(60, -0.3, 1.3, 2), edges;
      const Eigen::VectorXd theta = test_util::DrawTheta(*basis, magnitude, 3);
      test_util::ExpectFlowLaws(flow, {theta, points});
      if (GetParam().zero_boundary) {
        test_util::ExpectCubeOntoItself(
            flow, {theta, points.cwiseMax(0).cwiseMin(1)});
      }
    }
  }
}

// The implementations share formulas but neither code nor search strategy.
TEST_P(TransformTest, OthersAgreeWithTheWalk) {
  for (const double magnitude : {0.05, 0.5, 2.0}) {
    Tensor theta[3], points[3], result[3];
    int i = 0;
    for (const auto implementation : {kAutomatic, kTensorOps, kKernels}) {
      theta[i] = RandomTheta(3, magnitude, 1).requires_grad_();
      points[i] = RandomPoints({3, 101, 2}, 2).requires_grad_();
      result[i] = transform_.Apply(theta[i], points[i], implementation);
      const Tensor cotangent =
          torch::randn(result[i].sizes(), Generator(3), torch::kFloat64);
      (result[i] * cotangent).sum().backward();
      ++i;
    }
    // Values grow like the exponential of the field's gradient: relative.
    const auto near = [](const Tensor& a, const Tensor& b) {
      return MaxDifference(a, b) / (1 + b.abs().max().item<double>());
    };
    // Kernels measure from the centres of rectangles and round otherwise than
    // the walk: 90 epsilon e^K, and ten times that where a crossing is slow, as
    // in cpab/cuda/flow_arrays_test.cc, with e^K of up to 500 here.
    const struct {
      double value, gradient;
    } bounds[] = {{0, 0}, {1e-12, 1e-11}, {1e-11, 1e-10}};
    for (const int other : {1, 2}) {
      SCOPED_TRACE(other);
      EXPECT_LT(near(result[other], result[0]), bounds[other].value)
          << magnitude;
      EXPECT_LT(near(theta[other].grad(), theta[0].grad()),
                bounds[other].gradient)
          << magnitude;
      EXPECT_LT(near(points[other].grad(), points[0].grad()),
                bounds[other].gradient)
          << magnitude;
    }
  }
}

TEST_P(TransformTest, GradientsAreThoseOfDifferences) {
  for (const auto implementation : {kAutomatic, kTensorOps, kKernels}) {
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

TEST_P(TransformTest, CreateGraphThrows) {
  for (const auto implementation : {kAutomatic, kTensorOps, kKernels}) {
    const Tensor theta = RandomTheta(2, 0.5, 1).requires_grad_();
    const Tensor y =
        transform_.Apply(theta, RandomPoints({2, 5, 2}, 2), implementation);
    try {
      y.sum().backward({}, /*retain_graph=*/true, /*create_graph=*/true);
      ADD_FAILURE() << "returned";
    } catch (const c10::Error& error) {
      EXPECT_THAT(error.what(), HasSubstr("create_graph is not possible"));
    }
    y.sum().backward();
    EXPECT_TRUE(theta.grad().isfinite().all().item<bool>());
  }
}

TEST_P(TransformTest, PointsCanBeSharedByTheBatch) {
  const Tensor theta = RandomTheta(3, 0.5, 1).requires_grad_();
  const Tensor shared = RandomPoints({33, 2}, 2).requires_grad_();
  const Tensor separate =
      shared.detach().expand({3, 33, 2}).clone().requires_grad_();
  for (const auto implementation : {kAutomatic, kTensorOps, kKernels}) {
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

// Kernels compute in float32, with the bounds of cpab/cuda/flow_arrays_test.cc:
// 90 epsilon e^K, and for gradients, which add up those of N points, 10 N e^K
// times that.
TEST_P(TransformTest, KernelsComputeInTheDtypeOfTheirTensors) {
  const Tensor points = RandomPoints({1, 200, 2}, 2).to(torch::kFloat32);
  const Tensor cotangent =
      torch::randn({1, 200, 2}, Generator(3), torch::kFloat32);
  for (const double magnitude : {0.02, 0.3}) {
    const Tensor theta = RandomTheta(1, magnitude, 1).to(torch::kFloat32);
    const Tensor exact_theta = theta.to(torch::kFloat64);
    const double stretch = std::exp(GradientBound(exact_theta));
    const Tensor leaves[2] = {theta.clone().requires_grad_(),
                              exact_theta.clone().requires_grad_()};
    const Tensor result = transform_.Apply(leaves[0], points, kKernels);
    const Tensor expected =
        transform_.Apply(leaves[1], points.to(torch::kFloat64));
    EXPECT_EQ(result.scalar_type(), torch::kFloat32);
    const double bound = 90 * 1.2e-7 * stretch;
    EXPECT_LT(MaxDifference(result.to(torch::kFloat64), expected),
              bound * (1 + expected.abs().max().item<double>()));
    (result * cotangent).sum().backward();
    (expected * cotangent).sum().backward();
    const Tensor gradient = leaves[0].grad(), exact = leaves[1].grad();
    EXPECT_EQ(gradient.scalar_type(), torch::kFloat32);
    EXPECT_LT(
        MaxDifference(gradient.to(torch::kFloat64), exact),
        10 * 200 * stretch * bound * (1 + exact.abs().max().item<double>()));
  }
}

TEST_P(TransformTest, AcceptsNoPointsAndPassesNanThrough) {
  const Tensor theta = RandomTheta(2, 0.5, 1);
  for (const auto implementation : {kAutomatic, kTensorOps, kKernels}) {
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

TEST_P(TransformTest, ObeysTheLawsOfNonFinite) {
  for (const auto implementation : {kAutomatic, kTensorOps, kKernels}) {
    SCOPED_TRACE(static_cast<int>(implementation));
    const auto of_many = [&](const Tensor& theta) -> test_util::FlowOfMany {
      return {[=](const Eigen::MatrixXd& x, const ParallelFor&) {
                return ColumnsOf(transform_.Apply(
                    theta, TensorOf(x).unsqueeze(0), implementation));
              },
              [=](const Eigen::MatrixXd& x, const Eigen::MatrixXd& dl_dy,
                  const ParallelFor&) {
                const Tensor leaf = theta.clone().requires_grad_();
                const Tensor points = TensorOf(x).unsqueeze(0).requires_grad_();
                transform_.Apply(leaf, points, implementation)
                    .backward(TensorOf(dl_dy).unsqueeze(0));
                return test_util::FlowOfMany::Gradient{
                    ColumnsOf(leaf.grad().unsqueeze(0)),
                    ColumnsOf(points.grad())};
              }};
    };
    const Tensor theta = RandomTheta(1, 0.5, 1);
    test_util::ExpectLawsOfNonFinite(
        of_many(theta), of_many(torch::full_like(theta, std::nan(""))),
        ColumnsOf(RandomPoints({1, 50, 2}, 2)));
  }
}

TEST(TransformErrors, NamesWrongShapesDtypesAndOptions) {
  EXPECT_THAT(Transform::Create({0, 4}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("tessellation.nx is 0; use 1 to 128")));
  const Transform transform = Transform::Create({2, 2}).value();
  const Tensor points = torch::zeros({1, 3, 2});
  EXPECT_THROW(transform.Apply(torch::zeros({1, 7}), points), c10::Error);
  const Tensor theta = torch::zeros({1, 20});
  EXPECT_THROW(transform.Apply(theta, torch::zeros({2, 3, 2})), c10::Error);
  EXPECT_THROW(transform.Apply(theta, torch::zeros({1, 3, 3})), c10::Error);
  EXPECT_THROW(transform.Apply(theta, points.to(torch::kFloat64)), c10::Error);
  EXPECT_THROW(transform.Apply(theta.to(torch::kInt64), points), c10::Error);
  EXPECT_THROW(transform.Apply(theta.to("meta"), points), c10::Error);
  EXPECT_THROW(transform.Apply(theta, points.to("meta")), c10::Error);
}

}  // namespace
}  // namespace cpab
