#include "networks/inpainting.h"

#include <c10/core/InferenceMode.h>
#include <torch/optim.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/key_list_test_util.h"
#include "networks/sampling.h"
#include "networks/testing/fill.h"
#include "networks/testing/graph.h"
#include "networks/testing/tensor_near.h"

namespace networks {
namespace {

using test_util::FillModule;
using test_util::FillSigned;
using test_util::FillUniform;
using test_util::KeysAndShapes;
using test_util::ReadKeyList;
using test_util::TensorNear;
using ::testing::ContainerEq;
using torch::Tensor;

// Rounding of float32 sums of some thousand terms in a different order, in
// outputs of about 1: other batch sizes and layouts choose other kernels. Worst
// seen: 1e-6.
constexpr double kReorderTol = 1e-5;

// The rounding of Winograd's transforms besides (networks/cpu), some ten times
// that of a direct convolution. Worst seen: 1e-5.
constexpr double kInferenceTol = 5e-5;

InpaintingOptions SmallInpainting() {
  InpaintingOptions options;
  options.block_expansion = 8;
  options.max_features = 32;
  return options;
}

TEST(StateDict, InpaintingNetworkHasTheOriginalsKeys) {
  EXPECT_THAT(KeysAndShapes(*InpaintingNetwork(SmallInpainting())),
              ContainerEq(ReadKeyList(
                  "networks/testdata/keys_inpainting_network.txt")));
}

// All images are half as wide again as they are high.
int64_t WidthOf(int64_t height) { return height * 3 / 2; }

Tensor Source(int64_t batch, int64_t height) {
  return FillUniform("source", {batch, 3, height, WidthOf(height)});
}

std::vector<Tensor> OcclusionMaps(int64_t batch, int64_t height, int levels) {
  std::vector<Tensor> maps;
  for (int i = levels - 1; i >= 0; --i) {
    maps.push_back(FillUniform("occlusion" + std::to_string(i),
                               {batch, 1, height >> i, WidthOf(height) >> i}));
  }
  return maps;
}

// Smooth, and different in each sample.
Tensor Deformation(int64_t batch, int64_t height) {
  const Tensor noise = FillSigned("motion", {batch, 2, 4, 4});
  const Tensor smooth = ResizeBilinear(noise, height, WidthOf(height));
  return CoordinateGrid(height, WidthOf(height), torch::kFloat32) +
         0.2 * smooth.permute({0, 2, 3, 1});
}

TEST(Inpainting, RenderingFromFeaturesIsForward) {
  torch::NoGradGuard no_grad;
  InpaintingNetwork network(SmallInpainting());
  FillModule("inpainting/", *network);
  network->eval();
  const Tensor source = Source(1, 64);
  const Tensor source_from_driving = Deformation(1, 16);
  const std::vector<Tensor> occlusion = OcclusionMaps(1, 64, 4);
  EXPECT_THAT(
      network
          ->Render(network->EncodeSource(source), source_from_driving,
                   occlusion)
          .prediction,
      TensorNear(network(source, source_from_driving, occlusion).prediction,
                 kReorderTol));
}

TEST(Inpainting, OneSourceServesManyFrames) {
  torch::NoGradGuard no_grad;
  InpaintingNetwork network(SmallInpainting());
  FillModule("inpainting/", *network);
  network->eval();
  const SourceFeatures features = network->EncodeSource(Source(1, 64));
  const Tensor source_from_driving = Deformation(3, 16);
  const std::vector<Tensor> occlusion = OcclusionMaps(3, 64, 4);
  const Tensor frames =
      network->Render(features, source_from_driving, occlusion).prediction;
  ASSERT_EQ(frames.size(0), 3);
  std::vector<Tensor> occlusion_of_one;
  for (const Tensor& map : occlusion) {
    occlusion_of_one.push_back(map.slice(0, 1, 2));
  }
  EXPECT_THAT(network
                  ->Render(features, source_from_driving.slice(0, 1, 2),
                           occlusion_of_one)
                  .prediction,
              TensorNear(frames.slice(0, 1, 2), kReorderTol));
}

TEST(Inpainting, InferenceAndChannelsLastChangeNothing) {
  InpaintingNetwork network(SmallInpainting());
  FillModule("inpainting/", *network);
  for (const int64_t batch : {1, 2}) {
    network->train();
    const Tensor source = Source(batch, 64);
    const Tensor source_from_driving = Deformation(batch, 16);
    const std::vector<Tensor> occlusion = OcclusionMaps(batch, 64, 4);
    const Tensor expected =
        network(source, source_from_driving, occlusion).prediction.detach();
    network->eval();
    torch::InferenceMode inference;
    const InpaintingOutput actual = network->Render(
        network->EncodeSource(
            source.contiguous(torch::MemoryFormat::ChannelsLast)),
        source_from_driving, occlusion);
    EXPECT_THAT(actual.prediction, TensorNear(expected, kInferenceTol));
  }
}

TEST(Inpainting, ResizesTheMotionOnceALevel) {
  InpaintingNetwork network(SmallInpainting());
  const Tensor motion = Deformation(1, 16).requires_grad_();
  const InpaintingOutput output = network->Render(
      network->EncodeSource(Source(1, 64)), motion, OcclusionMaps(1, 64, 4),
      /*with_warped_encoder_maps=*/true);
  Tensor sum = output.prediction.sum() + output.deformed_source.sum();
  for (const Tensor& map : output.warped_encoder_maps) sum = sum + map.sum();
  // The levels have 64, 32, 16 and 8 rows, of which one is the motion's own.
  EXPECT_EQ(test_util::CountNodes(sum, "UpsampleBilinear2D"), 3);
}

TEST(Inpainting, OtherDepthsUseTheMapsOfTheirResolutions) {
  for (const int64_t depth : {1, 2, 3}) {
    InpaintingOptions options = SmallInpainting();
    options.num_down_blocks = depth;
    InpaintingNetwork network(options);
    const std::vector<Tensor> occlusion = OcclusionMaps(2, 64, 4);
    const InpaintingOutput output =
        network(Source(2, 64), Deformation(2, 16), occlusion);
    EXPECT_EQ(output.prediction.sizes(),
              torch::IntArrayRef({2, 3, 64, WidthOf(64)}));
    ASSERT_EQ(output.warped_encoder_maps.size(), depth + 1);
    EXPECT_EQ(output.warped_encoder_maps[0].size(2), 64 >> depth);
  }
}

TEST(Inpainting, TellsOfTooFewOcclusionMaps) {
  InpaintingNetwork network(SmallInpainting());
  EXPECT_THROW(
      network(Source(1, 64), Deformation(1, 16), OcclusionMaps(1, 64, 2)),
      c10::Error);
}

TEST(Inpainting, VisibleEverywhereShowsTheWarpedSource) {
  InpaintingNetwork network(SmallInpainting());
  std::vector<Tensor> occlusion;
  for (const Tensor& map : OcclusionMaps(1, 64, 4)) {
    occlusion.push_back(torch::ones_like(map));
  }
  const InpaintingOutput output =
      network(Source(1, 64), Deformation(1, 16), occlusion);
  EXPECT_THAT(output.prediction, TensorNear(output.deformed_source, 0));
}

TEST(Inpainting, AFewStepsLowerTheLoss) {
  torch::manual_seed(3);
  InpaintingNetwork network(SmallInpainting());
  const Tensor source = Source(2, 32);
  const Tensor target = FillUniform("target", source.sizes());
  const Tensor source_from_driving = Deformation(2, 8);
  const std::vector<Tensor> occlusion = OcclusionMaps(2, 32, 4);
  torch::optim::Adam adam(network->parameters(), 1e-3);
  double first = 0, last = 0;
  for (int step = 0; step < 10; ++step) {
    const Tensor loss = torch::l1_loss(
        network(source, source_from_driving, occlusion).prediction, target);
    adam.zero_grad();
    loss.backward();
    adam.step();
    last = loss.item<double>();
    if (step == 0) first = last;
  }
  EXPECT_LT(last, 0.98 * first);
}

}  // namespace
}  // namespace networks
