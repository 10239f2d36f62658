// Networks, and options of them, that no test of a whole training step or
// animation has, on each kind of device: values and gradients are the CPU's.
#include <torch/types.h>
#include <torch/utils.h>

#include "gtest/gtest.h"
#include "networks/avd.h"
#include "networks/dense_motion.h"
#include "networks/inpainting.h"
#include "networks/lpips.h"
#include "networks/sam/sam.h"
#include "networks/testing/devices.h"
#include "networks/testing/fill.h"

namespace networks {
namespace {

using test_util::FillSigned;
using test_util::FillUniform;

// Layers have some hundred ReLUs at least.
constexpr double kTolerance = 0.02;

class NetworksDeviceTest : public test_util::DeviceTest {};

INSTANTIATE_ON_DEVICES(NetworksDeviceTest);

TEST_P(NetworksDeviceTest, ShapeAndPoseAreToldApartAsOnTheCpu) {
  ExpectAsOnCpu(
      [](const Tensors& x) {
        torch::manual_seed(1);
        AvdOptions options;
        options.num_transforms = 2;
        options.identity_bottleneck = options.pose_bottleneck = 16;
        AvdNetwork avd(options);
        avd->to(x[0].device());
        avd->eval();
        return Tensors{avd(x[0], x[1])};
      },
      {FillSigned("identity", {4, 10, 2}), FillSigned("pose", {4, 10, 2})},
      kTolerance);
}

TEST_P(NetworksDeviceTest, CandidatesAreBlendedAtFullSizeAsOnTheCpu) {
  ExpectAsOnCpu(
      [](const Tensors& x) {
        torch::manual_seed(1);
        DenseMotionOptions options;
        options.num_transforms = 2;
        options.block_expansion = 8;
        options.max_features = 16;
        options.num_blocks = 2;
        options.multi_mask = false;
        options.blend_at_full_size = true;
        DenseMotionNetwork network(options);
        network->to(x[0].device());
        const DenseMotionOutput output =
            network(network->Downsample(x[0]), x[1], x[2], x[3]);
        return Tensors{output.source_from_driving, output.contribution_maps,
                       output.occlusion_maps[0]};
      },
      {FillUniform("source", {2, 3, 32, 32}),
       FillSigned("heatmaps", {2, 11, 8, 8}),
       FillSigned("candidates", {2, 4, 8, 8, 2}),
       FillSigned("keep", {2, 4}) > 0},
      kTolerance);
}

TEST_P(NetworksDeviceTest, FramesArePaintedByOneOcclusionMapAsOnTheCpu) {
  ExpectAsOnCpu(
      [](const Tensors& x) {
        InpaintingOptions options = {8, 32, 2, /*multi_mask=*/false};
        InpaintingNetwork network(options);
        test_util::FillModule("", *network);
        network->to(x[0].device());
        return Tensors{network(x[0], x[1], Tensors{x[2]}).prediction};
      },
      {FillUniform("source", {2, 3, 16, 16}), FillSigned("grid", {2, 8, 8, 2}),
       FillUniform("occlusion", {2, 1, 4, 4})},
      kTolerance);
}

TEST_P(NetworksDeviceTest, PromptsGiveTheMasksOfTheCpu) {
  ExpectAsOnCpu(
      [](const Tensors& x) {
        sam::Sam network(*sam::SamByName("tiny"));
        test_util::FillModule("sam/", *network);
        network->to(x[0].device());
        const sam::Prompts prompts = {x[1], x[2], x[3], x[4]};
        const sam::Masks masks =
            network->Segment(x[0], prompts, /*image_size=*/128);
        return Tensors{masks.logits, masks.ious};
      },
      {FillSigned("embedding", {1, 32, 8, 8}),
       128 * FillUniform("points", {3, 2, 2}),
       torch::tensor({{1, 0}, {0, 1}, {1, -1}}),
       128 * FillUniform("boxes", {3, 4}), FillSigned("masks", {3, 1, 32, 32})},
      kTolerance);
}

// Without gradients, which are not finite where all channels are 0.
TEST_P(NetworksDeviceTest, LpipsIsThatOfTheCpu) {
  ExpectAsOnCpu(
      [](const Tensors& x) {
        const torch::NoGradGuard no_grad;
        torch::manual_seed(1);
        Lpips lpips(LpipsBackbone::kAlexNet);
        lpips->to(x[0].device());
        return Tensors{lpips(x[0], x[1])};
      },
      {FillUniform("a", {2, 3, 32, 32}), FillUniform("b", {2, 3, 32, 32})});
}

}  // namespace
}  // namespace networks
