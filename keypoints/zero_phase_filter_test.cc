#include "keypoints/zero_phase_filter.h"

#include <torch/types.h>
#include <torch/utils.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "gtest/gtest.h"
#include "networks/testing/tensor_near.h"

namespace keypoints {
namespace {

using networks::test_util::TensorNear;
using torch::Tensor;

// Relative to values of about 1: float64 with the equations' condition, below
// 1e5 for these rates and cutoffs.
constexpr double kTol = 1e-10;

std::vector<double> Uniform(int64_t frames, double rate = 25) {
  std::vector<double> seconds;
  for (int64_t i = 0; i < frames; ++i) {
    seconds.push_back(static_cast<double>(i) / rate);
  }
  return seconds;
}

// A camera's: no two periods alike, and two frames of one time.
std::vector<double> Uneven(int64_t frames) {
  std::vector<double> seconds = {0};
  for (int64_t i = 1; i < frames; ++i) {
    seconds.push_back(seconds.back() +
                      (i % 7 == 3 ? 0 : 0.02 + 0.01 * (i % 4)));
  }
  return seconds;
}

Tensor Column(const std::vector<double>& values) {
  return torch::tensor(values, torch::kFloat64).view({-1, 1, 1});
}

Tensor Walk(int64_t frames, int64_t seed) {
  torch::manual_seed(seed);
  return (0.05 * torch::randn({frames, 3, 2}, torch::kFloat64)).cumsum(0);
}

// Fixed at 2 Hz, so that the filter is linear.
ZeroPhaseOptions Fixed() {
  ZeroPhaseOptions options;
  options.min_cutoff = 2;
  options.speed_gain = 0;
  return options;
}

// Law (1).
TEST(SmoothZeroPhase, KeepsRestAndConstantVelocity) {
  const Tensor start =
      torch::tensor({{0.3, -0.7}, {0.1, 0.9}}, torch::kFloat64);
  const Tensor velocity =
      torch::tensor({{0.0, 0.0}, {0.4, -1.5}}, torch::kFloat64);
  for (const int64_t frames : {1, 2, 3, 4, 5, 60, 1000}) {
    // Steps as long as the filter takes them to be.
    for (const double rate : {25.0, 30000.0 / 1001, 240.0}) {
      const std::vector<double> seconds = Uniform(frames, rate);
      const Tensor line = start + velocity * Column(seconds);
      for (const double cutoff : {0.01, 1.0, 100.0}) {
        ZeroPhaseOptions options;
        options.min_cutoff = cutoff;
        EXPECT_THAT(SmoothZeroPhase(line, seconds, options),
                    TensorNear(line, 1e-7))
            << frames << " frames at " << rate << ", " << cutoff << " Hz";
      }
    }
  }
}

// Law (2).
TEST(SmoothZeroPhase, OfTheReversedTrackIsTheReversedResult) {
  for (const std::vector<double>& seconds : {Uniform(50), Uneven(50)}) {
    // Differences that the filter takes to be at least a millisecond.
    std::vector<double> forward = {0}, backward = {0};
    for (size_t i = 1; i < seconds.size(); ++i) {
      forward.push_back(forward.back() +
                        std::max(seconds[i] - seconds[i - 1], 1e-3));
    }
    for (size_t i = seconds.size() - 1; i > 0; --i) {
      backward.push_back(backward.back() + forward[i] - forward[i - 1]);
    }
    const Tensor walk = Walk(50, 3);
    EXPECT_THAT(SmoothZeroPhase(walk.flip(0), backward, {}),
                TensorNear(SmoothZeroPhase(walk, forward, {}).flip(0), kTol));
    EXPECT_THAT(SmoothZeroPhase(walk, seconds, {}),
                TensorNear(SmoothZeroPhase(walk, forward, {}), kTol));
  }
}

// The same, seen as a delay of none.
TEST(SmoothZeroPhase, AnswersAnImpulseAlikeBeforeAndAfterIt) {
  Tensor impulse = torch::zeros({101, 1, 2}, torch::kFloat64);
  impulse[50][0][0] = 1e-3;  // as jitter is
  for (const ZeroPhaseOptions& options : {Fixed(), ZeroPhaseOptions()}) {
    const Tensor answer = SmoothZeroPhase(impulse, Uniform(101), options);
    EXPECT_THAT(answer.flip(0), TensorNear(answer, kTol));
    EXPECT_EQ(answer.select(2, 0).argmax().item<int64_t>(), 50);
    EXPECT_GT(answer[49][0][0].item<double>(),
              0.1 * answer[50][0][0].item<double>());
  }
}

// Law (3).
TEST(SmoothZeroPhase, TurnsAndMovesWithTheTrackAndKeepsItsType) {
  const std::vector<double> seconds = Uneven(40);
  const double c = std::cos(0.7), s = std::sin(0.7);
  const Tensor turn = torch::tensor({{c, s}, {-s, c}}, torch::kFloat64);
  const Tensor walk = Walk(40, 4);
  EXPECT_THAT(
      SmoothZeroPhase(torch::matmul(walk, turn) + 0.2, seconds, {}),
      TensorNear(torch::matmul(SmoothZeroPhase(walk, seconds, {}), turn) + 0.2,
                 kTol));
  const Tensor narrow = SmoothZeroPhase(walk.to(torch::kFloat32), seconds, {});
  EXPECT_EQ(narrow.scalar_type(), torch::kFloat32);
  EXPECT_EQ(narrow.sizes(), walk.sizes());
}

// The closed form, with the frequency as differences of frames see it; the ends
// are left out.
TEST(SmoothZeroPhase, PassesWhatTheClosedFormSays) {
  constexpr double kRate = 25, kPi = 3.14159265358979323846;
  const std::vector<double> seconds = Uniform(1000, kRate);
  for (const double hertz : {0.5, 2.0, 4.0, 10.0}) {
    const Tensor wave =
        torch::sin(2 * kPi * hertz * Column(seconds)).expand({-1, 1, 2});
    const double seen = kRate / kPi * std::sin(kPi * hertz / kRate);
    const double gain = 1 / (1 + std::pow(seen / 2, 4));
    EXPECT_THAT(SmoothZeroPhase(wave, seconds, Fixed()).slice(0, 400, 600),
                TensorNear(gain * wave.slice(0, 400, 600), 1e-6))
        << hertz << " Hz";
  }
}

TEST(SmoothZeroPhase, CalmsJitterAndKeepsFastMotion) {
  torch::manual_seed(2);
  const std::vector<double> seconds = Uniform(200);
  const Tensor jitter = 0.005 * torch::randn({200, 10, 2}, torch::kFloat64);
  const Tensor calm = SmoothZeroPhase(jitter, seconds, {});
  // A low pass at 1 to 3 Hz of 12.5.
  EXPECT_LT(calm.square().sum().item<double>(),
            0.3 * jitter.square().sum().item<double>());
  // As lips move: 4 Hz.
  const Tensor wave =
      0.05 * torch::sin(25 * Column(seconds)).expand({-1, 1, 2});
  const Tensor kept = SmoothZeroPhase(wave, seconds, {});
  EXPECT_THAT(kept.slice(0, 20, 180),
              TensorNear(wave.slice(0, 20, 180), 0.005));
}

TEST(SmoothZeroPhase, StaysFiniteForTheLowestCutoffAndLongGaps) {
  std::vector<double> seconds = Uniform(500, 1000);
  for (size_t i = 250; i < seconds.size(); ++i) seconds[i] += 1e5;
  ZeroPhaseOptions options;
  options.min_cutoff = 1e-6;
  options.speed_gain = 0;
  const Tensor smooth = SmoothZeroPhase(Walk(500, 5), seconds, options);
  EXPECT_TRUE(smooth.isfinite().all().item<bool>());
}

}  // namespace
}  // namespace keypoints
