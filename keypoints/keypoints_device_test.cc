// What finds, draws, warps, transfers and smooths keypoints, on each kind of
// device: values and gradients are the CPU's.
#include <ATen/CPUGeneratorImpl.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <cstdint>

#include "gtest/gtest.h"
#include "keypoints/heatmap.h"
#include "keypoints/one_euro_filter.h"
#include "keypoints/regression_detector.h"
#include "keypoints/similarity.h"
#include "keypoints/tps.h"
#include "keypoints/transfer.h"
#include "keypoints/voting_detector.h"
#include "keypoints/zero_phase_filter.h"
#include "networks/testing/devices.h"
#include "networks/testing/fill.h"

namespace keypoints {
namespace {

using networks::Tensors;
using networks::test_util::FillSigned;
using networks::test_util::FillUniform;
using torch::Tensor;

class KeypointsDeviceTest : public networks::test_util::DeviceTest {};

INSTANTIATE_ON_DEVICES(KeypointsDeviceTest);

Tensor Keypoints(const char* name, int64_t frames) {
  return FillSigned(name, {frames, 10, 2});
}

TEST_P(KeypointsDeviceTest, AreThoseOfTheCpu) {
  ExpectAllAsOnCpu({
      {"heatmaps",
       {Keypoints("driving", 2), Keypoints("source", 1)},
       [](const Tensors& x) {
         return Tensors{HeatmapDifference(x[0], x[1], 12, 16)};
       }},
      {"spline",
       {FillUniform("frame", {2, 3, 12, 16}), Keypoints("keypoints", 2)},
       [](const Tensors& x) {
         const uint64_t seed = 3;
         const auto tps = RandomTps::Sample(
             2, {}, at::make_generator<at::CPUGeneratorImpl>(seed),
             x[0].device());
         return Tensors{tps.TransformFrame(x[0]), tps.WarpCoordinates(x[1])};
       }},
      {"transfer",
       {Keypoints("source", 1), Keypoints("first", 1), Keypoints("driving", 3)},
       [](const Tensors& x) {
         TransferOptions options;
         options.mode = TransferMode::kRelative;
         options.motion_scale = {0.5, 1.5};
         return Tensors{MotionTransfer(options, x[0], x[1]).Apply(x[2])};
       }},
      {"similarity",
       {Keypoints("source", 1), Keypoints("driving", 3)},
       [](const Tensors& x) {
         return Tensors{NormalisedDistances(x[0], x[1]).to(x[0].device()),
                        AlignedDistances(x[0], x[1]).to(x[0].device())};
       }},
      {"one-euro filter",
       {Keypoints("first", 2), Keypoints("second", 2), Keypoints("third", 2)},
       [](const Tensors& x) {
         OneEuroFilter filter{OneEuroOptions()};
         filter.Apply(x[0], 0);
         filter.Apply(x[1], 0.04);
         return Tensors{filter.Apply(x[2], 0.08)};
       }},
      {"zero-phase filter",
       {Keypoints("tracks", 4)},
       [](const Tensors& x) {
         return Tensors{SmoothZeroPhase(x[0], {0, 0.04, 0.08, 0.12}, {})};
       }},
  });
}

// In eval mode, for which the CPU has kernels of its own. The last layers of
// the ResNet have some hundred ReLUs.
template <typename Detector>
Tensors Detect(const Tensors& images) {
  torch::manual_seed(1);
  Detector detector(/*num_transforms=*/2, /*keypoints_per_transform=*/5,
                    /*width=*/8);
  detector->to(images[0].device());
  detector->SpreadKeypoints(0.5);
  detector->eval();
  return {detector->forward(images[0])};
}

TEST_P(KeypointsDeviceTest, AreFoundAsOnTheCpu) {
  const Tensors images = {FillUniform("images", {2, 3, 64, 64})};
  ExpectAsOnCpu(Detect<RegressionDetector>, images, /*tolerance=*/0.02);
  ExpectAsOnCpu(Detect<VotingDetector>, images, /*tolerance=*/0.02);
}

}  // namespace
}  // namespace keypoints
