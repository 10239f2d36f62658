#include "keypoints/one_euro_filter.h"

#include <torch/types.h>
#include <torch/utils.h>

#include <cmath>
#include <cstdint>

#include "gtest/gtest.h"
#include "networks/testing/tensor_near.h"

namespace keypoints {
namespace {

using networks::test_util::TensorNear;
using torch::Tensor;

// Relative: a few float32 operations.
constexpr double kTol = 1e-5;

Tensor Points(int64_t batch, int64_t seed) {
  torch::manual_seed(seed);
  return torch::rand({batch, 10, 2}) * 1.6 - 0.8;
}

Tensor Turned(const Tensor& points, double angle) {
  const double c = std::cos(angle), s = std::sin(angle);
  return torch::matmul(points, torch::tensor({{c, s}, {-s, c}}).to(points));
}

TEST(OneEuroFilter, LeavesAFigureAtRestAlone) {
  OneEuroFilter filter({});
  const Tensor still = Points(1, 1);
  for (int i = 0; i < 5; ++i) {
    EXPECT_THAT(filter.Apply(still, i / 25.0), TensorNear(still, 1e-7));
  }
}

TEST(OneEuroFilter, CalmsJitter) {
  OneEuroFilter filter({});
  const Tensor still = torch::zeros({1, 10, 2});
  Tensor in_square = torch::zeros({}), out_square = torch::zeros({});
  torch::manual_seed(2);
  for (int i = 0; i < 100; ++i) {
    const Tensor noisy = still + 0.005 * torch::randn({1, 10, 2});
    const Tensor calm = filter.Apply(noisy, i / 25.0);
    if (i < 20) continue;  // the first frame's own noise fades
    in_square += noisy.square().sum();
    out_square += calm.square().sum();
  }
  // The law of a first-order low pass at 25 Hz with a cutoff of 1 to 2 Hz:
  // share / (2 - share) of the variance, about a tenth to a fifth.
  EXPECT_LT(out_square.item<float>(), 0.3 * in_square.item<float>());
}

TEST(OneEuroFilter, FollowsFastMotionCloser) {
  const auto lag = [](double speed) {
    OneEuroFilter filter({});
    Tensor out;
    for (int i = 0; i <= 50; ++i) {
      out = filter.Apply(torch::full({1, 1, 2}, speed * i / 25.0), i / 25.0);
    }
    return (speed * 2 - out[0][0][0].item<double>()) / speed;  // seconds
  };
  EXPECT_GT(lag(0.05), 2 * lag(1));
  // At a steady speed the lag is (1 - share) / share frames.
  EXPECT_LT(lag(1), 0.02);
}

// 1 / (2 pi cutoff), the time constant of a first-order low pass.
TEST(OneEuroFilter, LagsByTheSameTimeAtAnyFrameRate) {
  OneEuroOptions options;
  options.min_cutoff = 2;
  options.speed_gain = 0;
  for (const double rate : {12.5, 25.0, 100.0}) {
    OneEuroFilter filter(options);
    double seconds = 0;
    Tensor out;
    for (int i = 0; seconds < 2; ++i) {
      seconds = i / rate;
      out = filter.Apply(torch::full({1, 1, 2}, seconds), seconds);
    }
    EXPECT_NEAR(seconds - out[0][0][0].item<double>(), 1 / (4 * M_PI), 1e-4)
        << rate;
  }
}

// Half a second is pi in the filters' terms of a cutoff of 1 Hz.
TEST(OneEuroFilter, MeasuresSpeedByTheTimeBetweenFrames) {
  OneEuroFilter filter({});
  filter.Apply(torch::tensor({{0., 0.}}), 7);
  const Tensor out = filter.Apply(torch::tensor({{0.03, 0.04}}), 7.5);
  const double speed = 0.05 / 0.5 * M_PI / (M_PI + 1);
  const double turns = M_PI * (1 + 20 * speed);
  EXPECT_THAT(
      out,
      TensorNear(torch::tensor({{0.03, 0.04}}) * turns / (turns + 1), kTol));
}

TEST(OneEuroFilter, TurnsWithTheKeypoints) {
  OneEuroFilter filter({}), turned({});
  for (int i = 0; i < 6; ++i) {
    const Tensor points = Points(1, i);
    EXPECT_THAT(turned.Apply(Turned(points, 0.7), i / 30.0),
                TensorNear(Turned(filter.Apply(points, i / 30.0), 0.7), kTol))
        << i;
  }
}

}  // namespace
}  // namespace keypoints
