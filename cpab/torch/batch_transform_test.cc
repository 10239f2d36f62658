#include "cpab/torch/batch_transform.h"

#include <ATen/CPUGeneratorImpl.h>
#include <torch/autograd.h>
#include <torch/types.h>

#include <cmath>
#include <limits>

#include "cpab/volume/volume_flow.h"
#include "gtest/gtest.h"

namespace cpab {
namespace {

using torch::Tensor;

Tensor Draw(torch::IntArrayRef shape, double magnitude, uint64_t seed) {
  return magnitude *
         torch::randn(shape, at::make_generator<at::CPUGeneratorImpl>(seed),
                      torch::kFloat64);
}

// The largest difference between the gradient of sum(weights * f(x)) and
// central differences along one direction.
template <typename Function>
double GradientError(Function f, const Tensor& x, uint64_t seed) {
  const Tensor at = x.detach().clone().requires_grad_(true);
  const Tensor value = f(at);
  const Tensor weights = Draw(value.sizes(), 1, seed);
  (value * weights).sum().backward();
  const Tensor direction = Draw(x.sizes(), 1, seed + 1);
  const double h = 1e-6;
  const Tensor slope =
      ((f(x + h * direction) - f(x - h * direction)) * weights).sum() / (2 * h);
  return std::abs(((at.grad() * direction).sum() - slope).item<double>());
}

SignalTransform Signals(int cells) {
  return SignalTransform(IntervalBasis::Create({cells}).value());
}
VolumeTransform Volumes() {
  return VolumeTransform(VolumeBasis::Create({2, 1, 1, true}).value());
}

TEST(SignalTransform, IsTheFlowOfEachElement) {
  const SignalTransform transform = Signals(5);
  const Tensor theta = Draw({3, transform.theta_size()}, 0.5, 1);
  const Tensor points = Draw({7}, 0.5, 2);
  const Tensor y = transform.Apply(theta, points);
  ASSERT_EQ(y.sizes(), (std::vector<int64_t>{3, 7}));
  for (int b = 0; b < 3; ++b) {
    const IntervalFlow flow(
        transform.basis(),
        Eigen::Map<const Eigen::VectorXd>(theta[b].data_ptr<double>(),
                                          transform.theta_size()));
    for (int n = 0; n < 7; ++n) {
      EXPECT_EQ(y[b][n].item<double>(), flow(points[n].item<double>()));
    }
  }
  // The same points for each, an element at a time, and float.
  EXPECT_TRUE(transform.Apply(theta, points.expand({3, 7})).equal(y));
  EXPECT_TRUE(transform.Apply(theta.narrow(0, 1, 1), points)[0].equal(y[1]));
  EXPECT_TRUE(
      transform.Apply(theta.to(torch::kFloat32), points.to(torch::kFloat32))
          .allclose(y.to(torch::kFloat32), 1e-5, 1e-5));
}

TEST(SignalTransform, GradientsAreThoseOfDifferences) {
  const SignalTransform transform = Signals(4);
  const Tensor theta = Draw({2, transform.theta_size()}, 0.5, 3);
  const Tensor points = Draw({9}, 0.5, 4), each = Draw({2, 9}, 0.5, 5);
  EXPECT_LT(
      GradientError([&](const Tensor& t) { return transform.Apply(t, points); },
                    theta, 6),
      1e-5);
  EXPECT_LT(
      GradientError([&](const Tensor& x) { return transform.Apply(theta, x); },
                    points, 7),
      1e-5);
  EXPECT_LT(
      GradientError([&](const Tensor& x) { return transform.Apply(theta, x); },
                    each, 8),
      1e-5);
}

TEST(SignalTransform, WarpsSignalsOfDifferentLengths) {
  const SignalTransform transform = Signals(4);
  const Tensor theta = Draw({2, transform.theta_size()}, 0.5, 3);
  const Tensor signals = Draw({2, 3, 8}, 1, 4);
  const Tensor lengths = torch::tensor({8, 5}, torch::kInt64);
  const Tensor warped = transform.Warp(theta, signals, lengths);
  EXPECT_TRUE(warped[0].equal(transform.Warp(theta, signals)[0]));
  const Tensor alone = transform.Warp(theta.narrow(0, 1, 1),
                                      signals.narrow(0, 1, 1).narrow(2, 0, 5));
  EXPECT_TRUE(warped[1].narrow(1, 0, 5).allclose(alone[0], 0, 1e-13));
  EXPECT_EQ(warped[1].narrow(1, 5, 3).abs().max().item<double>(), 0);
  EXPECT_LT(
      GradientError(
          [&](const Tensor& t) { return transform.Warp(t, signals, lengths); },
          theta, 5),
      1e-4);
  EXPECT_LT(
      GradientError(
          [&](const Tensor& s) { return transform.Warp(theta, s, lengths); },
          signals, 6),
      1e-8);
}

TEST(SignalTransform, GradientsKeepTheLengthsOfTheForwardPass) {
  const SignalTransform transform = Signals(4);
  Tensor theta = Draw({2, transform.theta_size()}, 0.5, 3).requires_grad_();
  const Tensor signals = Draw({2, 3, 8}, 1, 4);
  Tensor lengths = torch::tensor({8, 5}, torch::kInt64);
  const auto gradient = [&](const Tensor& warped) {
    return torch::autograd::grad({warped.square().sum()}, {theta})[0];
  };
  const Tensor expected = gradient(transform.Warp(theta, signals, lengths));
  const Tensor warped = transform.Warp(theta, signals, lengths);
  lengths.fill_(2);
  EXPECT_TRUE(gradient(warped).equal(expected));
}

TEST(VolumeTransform, IsTheFlowOfEachElementWithItsGradients) {
  const VolumeTransform transform = Volumes();
  const Tensor theta = Draw({2, transform.theta_size()}, 0.5, 1);
  const Tensor points = torch::rand(
      {6, 3}, at::make_generator<at::CPUGeneratorImpl>(2), torch::kFloat64);
  const Tensor y = transform.Apply(theta, points);
  for (int b = 0; b < 2; ++b) {
    const VolumeFlow flow(transform.basis(), Eigen::Map<const Eigen::VectorXd>(
                                                 theta[b].data_ptr<double>(),
                                                 transform.theta_size()));
    for (int n = 0; n < 6; ++n) {
      const Eigen::Vector3d at =
          flow(Eigen::Map<const Eigen::Vector3d>(points[n].data_ptr<double>()));
      for (int a = 0; a < 3; ++a) EXPECT_EQ(y[b][n][a].item<double>(), at[a]);
    }
  }
  EXPECT_LT(
      GradientError([&](const Tensor& t) { return transform.Apply(t, points); },
                    theta, 6),
      1e-5);
  EXPECT_LT(
      GradientError([&](const Tensor& x) { return transform.Apply(theta, x); },
                    points, 7),
      1e-5);
}

TEST(VolumeTransform, WarpsAlongEachAxis) {
  const VolumeTransform transform(VolumeBasis::Create({1, 1, 1}).value());
  // Moves by one of 5, 4 and 3 samples along x, y and z.
  for (int a = 0; a < 3; ++a) {
    Eigen::Matrix3Xd velocities = transform.basis()->vertices() * 0;
    const double step = 1.0 / (4 - a);
    velocities.row(a).setConstant(step);
    const Eigen::VectorXd field =
        transform.basis()->ThetaFromVertices(velocities);
    const Tensor theta = torch::empty({1, field.size()}, torch::kFloat64);
    Eigen::Map<Eigen::VectorXd>(theta.data_ptr<double>(), field.size()) = field;
    const Tensor volumes = Draw({1, 2, 3, 4, 5}, 1, a);
    const Tensor warped = transform.Warp(theta, volumes);
    const int64_t axis = 4 - a, size = volumes.size(axis);
    EXPECT_TRUE(warped.narrow(axis, 0, size - 1)
                    .allclose(volumes.narrow(axis, 1, size - 1), 0, 1e-12));
    // Beyond the border the nearest sample, or nothing.
    EXPECT_TRUE(warped.select(axis, size - 1)
                    .allclose(volumes.select(axis, size - 1), 0, 1e-12));
    EXPECT_LT(transform.Warp(theta, volumes, Beyond::kZero)
                  .select(axis, size - 1)
                  .abs()
                  .max()
                  .item<double>(),
              1e-12);
  }
  const VolumeTransform bent = Volumes();
  const Tensor volumes = Draw({2, 1, 3, 4, 5}, 1, 9);
  EXPECT_LT(
      GradientError([&](const Tensor& t) { return bent.Warp(t, volumes); },
                    Draw({2, bent.theta_size()}, 0.3, 8), 5),
      1e-4);
}

// Of the same values, and of gradients.
TEST(BatchTransform, TakesTensorsOfAnyStrides) {
  const VolumeTransform volumes = Volumes();
  const Tensor theta = Draw({2, volumes.theta_size()}, 0.3, 1);
  const Tensor points = Draw({2, 5, 3}, 0.5, 2);
  const auto strided = [](const Tensor& t) {
    return torch::stack({t, t}, -1)
        .transpose(0, 1)
        .select(-1, 1)
        .transpose(0, 1);
  };
  ASSERT_FALSE(strided(points).is_contiguous());
  EXPECT_TRUE(volumes.Apply(strided(theta), strided(points))
                  .equal(volumes.Apply(theta, points)));
  const SignalTransform signals = Signals(4);
  const Tensor bend = Draw({2, signals.theta_size()}, 0.3, 1);
  const Tensor data = Draw({2, 3, 6}, 1, 2);
  EXPECT_TRUE(signals.Warp(strided(bend), strided(data))
                  .equal(signals.Warp(bend, data)));
  EXPECT_LT(GradientError(
                [&](const Tensor& t) {
                  return volumes.Apply(strided(theta), strided(t));
                },
                points, 3),
            1e-4);
}

TEST(BatchTransform, TakesNoPointsAndNoElements) {
  const SignalTransform signals = Signals(4);
  const Tensor bend = Draw({2, signals.theta_size()}, 0.3, 1).requires_grad_();
  const Tensor nothing = signals.Apply(bend, Draw({0}, 1, 2));
  EXPECT_EQ(nothing.sizes(), (std::vector<int64_t>{2, 0}));
  nothing.sum().backward();
  EXPECT_TRUE(bend.grad().equal(torch::zeros_like(bend)));
  EXPECT_EQ(signals.Apply(bend.narrow(0, 0, 0), Draw({5}, 1, 2)).sizes(),
            (std::vector<int64_t>{0, 5}));
  EXPECT_EQ(signals.Warp(bend.narrow(0, 0, 0), Draw({0, 2, 5}, 1, 2)).sizes(),
            (std::vector<int64_t>{0, 2, 5}));
  const VolumeTransform volumes = Volumes();
  const Tensor theta = Draw({2, volumes.theta_size()}, 0.3, 1);
  EXPECT_EQ(volumes.Apply(theta, Draw({2, 0, 3}, 1, 2)).sizes(),
            (std::vector<int64_t>{2, 0, 3}));
  EXPECT_EQ(volumes.Apply(theta.narrow(0, 0, 0), Draw({5, 3}, 1, 2)).sizes(),
            (std::vector<int64_t>{0, 5, 3}));
}

TEST(BatchTransform, KeepsNanWithinItsPointOrItsElement) {
  const VolumeTransform volumes = Volumes();
  Tensor theta = Draw({2, volumes.theta_size()}, 0.3, 1);
  Tensor points = Draw({2, 4, 3}, 0.5, 2);
  const Tensor expected = volumes.Apply(theta, points);
  points[0][1][2] = std::numeric_limits<double>::infinity();
  theta[1][0] = std::numeric_limits<double>::quiet_NaN();
  const Tensor bad = volumes.Apply(theta, points);
  EXPECT_TRUE(bad[0][1].isnan().all().item<bool>());
  EXPECT_TRUE(bad[1].isnan().all().item<bool>());
  for (const int n : {0, 2, 3}) {
    EXPECT_TRUE(bad[0][n].equal(expected[0][n]));
  }
  const SignalTransform signals = Signals(4);
  Tensor bend = Draw({2, signals.theta_size()}, 0.3, 1);
  bend[1][0] = std::numeric_limits<double>::quiet_NaN();
  const Tensor moved =
      signals.Apply(bend, torch::tensor({0.5, -HUGE_VAL}, torch::kFloat64));
  EXPECT_TRUE(std::isfinite(moved[0][0].item<double>()));
  EXPECT_TRUE(moved[0][1].isnan().item<bool>());
  EXPECT_TRUE(moved[1].isnan().all().item<bool>());
}

TEST(BatchTransform, CreateGraphThrows) {
  const SignalTransform signals = Signals(4);
  const VolumeTransform volumes = Volumes();
  const Tensor of_signals = Draw({1, signals.theta_size()}, 0.5, 1);
  const Tensor of_volumes = Draw({1, volumes.theta_size()}, 0.5, 2);
  const Tensor samples = Draw({1, 2, 9}, 1, 3).requires_grad_();
  const Tensor voxels = Draw({1, 2, 3, 4, 5}, 1, 4).requires_grad_();
  const Tensor times = Draw({1, 9}, 0.5, 5).requires_grad_();
  const Tensor points = Draw({1, 9, 3}, 0.5, 6).requires_grad_();
  for (const Tensor& result :
       {signals.Apply(of_signals, times), signals.Warp(of_signals, samples),
        volumes.Apply(of_volumes, points), volumes.Warp(of_volumes, voxels)}) {
    EXPECT_THROW(result.sum().backward({}, /*retain_graph=*/true,
                                       /*create_graph=*/true),
                 c10::Error);
  }
}

TEST(BatchTransform, WrongArgumentsThrow) {
  const SignalTransform transform = Signals(4);
  const Tensor theta = Draw({2, transform.theta_size()}, 0.5, 3);
  EXPECT_THROW(transform.Apply(Draw({2, 9}, 1, 1), Draw({5}, 1, 1)),
               c10::Error);
  EXPECT_THROW(transform.Apply(theta, Draw({3, 5}, 1, 1)), c10::Error);
  EXPECT_THROW(transform.Apply(theta, Draw({5}, 1, 1).to(torch::kFloat32)),
               c10::Error);
  EXPECT_THROW(transform.Apply(theta.to(torch::kInt64),
                               torch::zeros({5}, torch::kInt64)),
               c10::Error);
  EXPECT_THROW(transform.Apply(theta, Draw({5}, 1, 1).to("meta")), c10::Error);
  EXPECT_THROW(transform.Apply(theta.to("meta"), Draw({5}, 1, 1)), c10::Error);
  EXPECT_THROW(transform.Warp(theta, Draw({2, 5}, 1, 1)), c10::Error);
  for (const int64_t length : {0, 6}) {
    EXPECT_THROW(transform.Warp(theta, Draw({2, 1, 5}, 1, 1),
                                torch::tensor({length, int64_t{5}})),
                 c10::Error);
  }
  EXPECT_THROW(Volumes().Apply(Draw({2, Volumes().theta_size()}, 1, 1),
                               Draw({5, 2}, 1, 1)),
               c10::Error);
  // theta of another tessellation.
  const VolumeTransform finer(VolumeBasis::Create({2, 2, 2, true}).value());
  EXPECT_THROW(
      Volumes().Apply(Draw({2, finer.theta_size()}, 1, 1), Draw({5, 3}, 1, 1)),
      c10::Error);
}

}  // namespace
}  // namespace cpab
