#include "keypoints/transfer.h"

#include <torch/types.h>
#include <torch/utils.h>

#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "networks/testing/fill.h"
#include "networks/testing/golden.h"
#include "networks/testing/tensor_near.h"

namespace keypoints {
namespace {

using networks::test_util::FillSigned;
using networks::test_util::Golden;
using networks::test_util::LoadGolden;
using networks::test_util::TensorNear;
using torch::Tensor;

// Relative: float32 sums in a different order; the original's own float32 and
// float64 runs differ by 1e-6 of a typical element.
constexpr double kGoldenTol = 1e-4;
// Relative: a few float32 operations.
constexpr double kTol = 1e-5;

Tensor Square(double side) {
  return side *
         torch::tensor({{{0., 0.}, {1., 0.}, {1., 1.}, {0., 1.}, {0.5, 0.25}}},
                       torch::kFloat32);
}

TEST(HullScale, ComparesSizes) {
  // Areas of exact binary fractions: contourArea is exact.
  EXPECT_EQ(HullScale(Square(0.5), Square(0.25)), 2);
  EXPECT_EQ(HullScale(Square(0.25).to(torch::kFloat64), Square(0.5)), 0.5);
}

TEST(HullScale, IsOneForDrivingKeypointsOnALine) {
  const Tensor line =
      torch::tensor({{{0., 0.}, {0.5, 0.5}, {1., 1.}}}, torch::kFloat32);
  EXPECT_EQ(HullScale(Square(0.5).slice(1, 0, 3), line), 1);
  EXPECT_EQ(HullScale(line, torch::zeros({1, 3, 2})), 1);
}

// float32 rounds these off their line, to a hull of 3e-8.
TEST(HullScale, IsOneForALineThatFloat32Rounds) {
  const Tensor x = torch::linspace(-0.9, 0.72, 10);
  const Tensor line = torch::stack({x, 0.3 * x + 0.1}, 1).unsqueeze(0);
  EXPECT_EQ(HullScale(Square(0.5), line), 1);
}

TEST(MotionTransfer, ReproducesTheOriginalsDemo) {
  const Golden golden = LoadGolden("keypoints/testdata/transfer.safetensors");
  const Tensor source = golden.tensor("kp_source");
  const Tensor driving = golden.tensor("kp_driving");
  TransferOptions options;
  for (const auto& [mode, name] :
       {std::make_pair(TransferMode::kStandard, "demo.standard.kp_norm"),
        std::make_pair(TransferMode::kRelative, "demo.relative.kp_norm")}) {
    options.mode = mode;
    const MotionTransfer transfer(options, source, driving.slice(0, 0, 1));
    EXPECT_TRUE(golden.Matches(name, transfer.Apply(driving), kGoldenTol));
  }
}

TEST(MotionTransfer, RelativeBeginsAtTheSource) {
  TransferOptions options;
  options.mode = TransferMode::kRelative;
  const Tensor driving = FillSigned("driving", {4, 5, 2});
  const Tensor source = FillSigned("source", {1, 5, 2});
  const MotionTransfer transfer(options, source, driving.slice(0, 0, 1));
  EXPECT_THAT(transfer.Apply(driving).slice(0, 0, 1), TensorNear(source, 0));
}

TEST(MotionTransfer, RelativeWithoutScaleAddsDisplacements) {
  TransferOptions options;
  options.mode = TransferMode::kRelative;
  options.adapt_scale = false;
  const Tensor driving = FillSigned("driving", {4, 5, 2});
  const Tensor source = FillSigned("source", {1, 5, 2});
  const MotionTransfer transfer(options, source, driving.slice(0, 0, 1));
  EXPECT_THAT(transfer.Apply(driving),
              TensorNear(source + driving - driving.slice(0, 0, 1), 1e-6));
}

TEST(MotionTransfer, AvdAsksTheNetworkWithTheSourceAsIdentity) {
  TransferOptions options;
  options.mode = TransferMode::kAvd;
  const Tensor driving = FillSigned("driving", {4, 5, 2});
  const Tensor source = FillSigned("source", {1, 5, 2});
  const MotionTransfer transfer(options, source, driving.slice(0, 0, 1),
                                [](const Tensor& identity, const Tensor& pose) {
                                  return identity + 2 * pose;
                                });
  EXPECT_THAT(transfer.Apply(driving), TensorNear(source + 2 * driving, 0));
  EXPECT_THROW(MotionTransfer(options, source, source), c10::Error);
}

Tensor Points(int64_t batch, int64_t seed) {
  torch::manual_seed(seed);
  return torch::rand({batch, 10, 2}) * 1.6 - 0.8;
}

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

}  // namespace
}  // namespace keypoints
