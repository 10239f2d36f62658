// Laws of what animation does with keypoints over time: smoothing, scaling the
// motion, and choosing the frame to start from.
#include <torch/torch.h>

#include <cmath>

#include "gtest/gtest.h"
#include "keypoints/one_euro_filter.h"
#include "keypoints/similarity.h"
#include "keypoints/transfer.h"
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

// --- One-euro filter -------------------------------------------------------

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

TEST(OneEuroFilter, IsCausalAndTurnsWithTheKeypoints) {
  OneEuroFilter filter({}), turned({});
  for (int i = 0; i < 6; ++i) {
    const Tensor points = Points(1, i);
    EXPECT_THAT(turned.Apply(Turned(points, 0.7), i / 30.0),
                TensorNear(Turned(filter.Apply(points, i / 30.0), 0.7), kTol))
        << i;
  }
}

// --- Motion scale ----------------------------------------------------------

TransferOptions Options(TransferMode mode, std::vector<double> scale) {
  TransferOptions options;
  options.mode = mode;
  options.motion_scale = std::move(scale);
  return options;
}

class MotionScaleTest : public testing::TestWithParam<TransferMode> {};

TEST_P(MotionScaleTest, ScalesTheWayFromTheSource) {
  const Tensor source = Points(1, 1), first = Points(1, 2),
               driving = Points(3, 3);
  const auto apply = [&](std::vector<double> scale) {
    return MotionTransfer(Options(GetParam(), std::move(scale)), source, first)
        .Apply(driving);
  };
  const Tensor whole = apply({});
  EXPECT_THAT(apply({1}), TensorNear(whole, kTol));
  EXPECT_THAT(apply({0}), TensorNear(source.expand_as(driving), kTol));
  EXPECT_THAT(apply({1.5}), TensorNear(source + 1.5 * (whole - source), kTol));
}

TEST_P(MotionScaleTest, HasAValueForEachGroup) {
  const Tensor source = Points(1, 1), first = Points(1, 2),
               driving = Points(3, 3);
  const Tensor whole =
      MotionTransfer(Options(GetParam(), {}), source, first).Apply(driving);
  const Tensor moved =
      MotionTransfer(Options(GetParam(), {0, 1}), source, first).Apply(driving);
  EXPECT_THAT(moved.slice(1, 0, 5),
              TensorNear(source.slice(1, 0, 5).expand({3, 5, 2}), kTol));
  EXPECT_THAT(moved.slice(1, 5), TensorNear(whole.slice(1, 5), kTol));
}

INSTANTIATE_TEST_SUITE_P(Modes, MotionScaleTest,
                         testing::Values(TransferMode::kStandard,
                                         TransferMode::kRelative));

// --- Similarity ------------------------------------------------------------

TEST(NormalisedDistances, DoNotSeePlaceAndSize) {
  const Tensor source = Points(1, 1);
  const Tensor driving = torch::cat({Points(1, 2), source * 0.3 + 0.2});
  const Tensor distances = NormalisedDistances(source, driving);
  EXPECT_GT(distances[0].item<double>(), 0.1);
  EXPECT_NEAR(distances[1].item<double>(), 0, 1e-9);
}

// The definition of the field's demo, written out for a square and a rectangle.
TEST(NormalisedDistances, DividesByTheRootOfTheHullsArea) {
  const Tensor square = torch::tensor(
      {{{-1., -1.}, {1., -1.}, {1., 1.}, {-1., 1.}}}, torch::kFloat64);
  const Tensor wide = square * torch::tensor({4., 1.}, torch::kFloat64);
  // Hull areas 4 and 16: corners at (.5, .5) and (1, .25).
  EXPECT_NEAR(NormalisedDistances(square, wide)[0].item<double>(),
              4 * (0.5 * 0.5 + 0.25 * 0.25), 1e-9);
}

TEST(AlignedDistances, DoNotSeeTurnsEither) {
  const Tensor source = Points(1, 1);
  const Tensor driving =
      torch::cat({Points(1, 2), Turned(source, 1.1) * 0.3 + 0.2});
  const Tensor distances = AlignedDistances(source, driving);
  EXPECT_GT(distances[0].item<double>(), 0.1);
  EXPECT_NEAR(distances[1].item<double>(), 0, 1e-9);
  EXPECT_GT(NormalisedDistances(source, driving)[1].item<double>(), 0.1);
}

TEST(AlignedDistances, StandKeypointsInOnePlace) {
  const Tensor distances =
      AlignedDistances(Points(1, 1), torch::zeros({2, 10, 2}));
  EXPECT_TRUE(torch::isfinite(distances).all().item<bool>());
}

}  // namespace
}  // namespace keypoints
