// Names, initial values and laws of the networks. Their numbers are in
// networks_golden_test.cc.
#include <torch/torch.h>

#include <cmath>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/antialias.h"
#include "networks/avd.h"
#include "networks/background.h"
#include "networks/blocks.h"
#include "networks/dense_motion.h"
#include "networks/hourglass.h"
#include "networks/inpainting.h"
#include "networks/key_list_test_util.h"
#include "networks/resnet.h"
#include "networks/sampling.h"
#include "networks/testing/fill.h"
#include "networks/testing/tensor_near.h"
#include "networks/vgg.h"

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

DenseMotionOptions SmallDenseMotion() {
  DenseMotionOptions options;
  options.num_transforms = 3;
  options.block_expansion = 8;
  options.max_features = 64;
  options.num_blocks = 3;
  return options;
}

InpaintingOptions SmallInpainting() {
  InpaintingOptions options;
  options.block_expansion = 8;
  options.max_features = 32;
  return options;
}

// --- Names -----------------------------------------------------------------

TEST(StateDict, InpaintingNetworkHasTheOriginalsKeys) {
  EXPECT_THAT(KeysAndShapes(*InpaintingNetwork(SmallInpainting())),
              ContainerEq(ReadKeyList(
                  "networks/testdata/keys_inpainting_network.txt")));
}

TEST(StateDict, DenseMotionNetworkHasTheOriginalsKeys) {
  EXPECT_THAT(KeysAndShapes(*DenseMotionNetwork(SmallDenseMotion())),
              ContainerEq(ReadKeyList(
                  "networks/testdata/keys_dense_motion_network.txt")));
}

TEST(StateDict, BackgroundPredictorHasTheOriginalsKeys) {
  EXPECT_THAT(
      KeysAndShapes(*BackgroundPredictor()),
      ContainerEq(ReadKeyList("networks/testdata/keys_bg_predictor.txt")));
}

TEST(StateDict, AvdNetworkHasTheOriginalsKeys) {
  AvdOptions options;
  options.num_transforms = 3;
  options.identity_bottleneck = 16;
  options.pose_bottleneck = 16;
  EXPECT_THAT(
      KeysAndShapes(*AvdNetwork(options)),
      ContainerEq(ReadKeyList("networks/testdata/keys_avd_network.txt")));
}

TEST(StateDict, Vgg19HasTheOriginalsKeys) {
  EXPECT_THAT(KeysAndShapes(*Vgg19()),
              ContainerEq(ReadKeyList("networks/testdata/keys_vgg19.txt")));
}

TEST(StateDict, VggKeysComeFromTorchvisions) {
  EXPECT_EQ(VggKeyFromTorchvision("features.0.weight"), "slice1.0.weight");
  EXPECT_EQ(VggKeyFromTorchvision("features.2.bias"), "slice2.2.bias");
  EXPECT_EQ(VggKeyFromTorchvision("features.10.bias"), "slice3.10.bias");
  EXPECT_EQ(VggKeyFromTorchvision("features.19.weight"), "slice4.19.weight");
  EXPECT_EQ(VggKeyFromTorchvision("features.28.weight"), "slice5.28.weight");
  EXPECT_EQ(VggKeyFromTorchvision("slice5.28.weight"), "slice5.28.weight");
  EXPECT_EQ(VggKeyFromTorchvision("mean"), "mean");
  // Beyond relu5_1, and outside the convolutions.
  EXPECT_EQ(VggKeyFromTorchvision("features.30.weight"), "");
  EXPECT_EQ(VggKeyFromTorchvision("classifier.0.weight"), "");
}

// --- Initial values --------------------------------------------------------

TEST(Initialization, ConvolutionsAreUniformByFanInAsInPython) {
  torch::manual_seed(1);
  const SameConv2d conv(64, 32, 3);
  const double bound = 1 / std::sqrt(64 * 9);
  for (const Tensor& x : {conv->weight, conv->bias}) {
    EXPECT_LE(x.abs().max().item<double>(), bound);
    EXPECT_GT(x.abs().max().item<double>(), 0.8 * bound);
  }
  // 18432 draws: the deviation's own relative deviation is about 0.4 %.
  EXPECT_NEAR(conv->weight.std().item<double>(), bound / std::sqrt(3),
              0.02 * bound);
}

TEST(Initialization, ResNetsConvolutionsAreNormalByFanOut) {
  torch::manual_seed(2);
  const ResNet18 resnet(3, 10);
  const Tensor weight =
      resnet->named_parameters()["layer4.1.conv2.weight"];  // fan_out 4608
  EXPECT_NEAR(weight.std().item<double>(), std::sqrt(2. / 4608), 1e-4);
  EXPECT_NEAR(weight.mean().item<double>(), 0, 1e-4);
}

TEST(Initialization, BackgroundPredictorBeginsWithTheIdentity) {
  BackgroundPredictor predictor;
  const Tensor source = FillUniform("s", {2, 3, 64, 64});
  EXPECT_THAT(predictor(source, source.flip(3)),
              TensorNear(torch::eye(3).expand({2, 3, 3}), 0));
}

TEST(Initialization, Vgg19IsFixed) {
  for (const Tensor& parameter : Vgg19()->parameters()) {
    EXPECT_FALSE(parameter.requires_grad());
  }
}

// --- Sampling --------------------------------------------------------------

TEST(Sampling, CoordinateGridRunsFromCentreToCentre) {
  const Tensor grid = CoordinateGrid(2, 3, torch::kFloat32);
  EXPECT_THAT(grid.select(2, 0),
              TensorNear(torch::tensor({{-1., 0., 1.}, {-1., 0., 1.}}), 0));
  EXPECT_THAT(grid.select(2, 1),
              TensorNear(torch::tensor({{-1., -1., -1.}, {1., 1., 1.}}), 0));
}

TEST(Sampling, CoordinateGridOfOnePixelIsFinite) {
  EXPECT_THAT(CoordinateGrid(1, 1, torch::kFloat32),
              TensorNear(torch::full({1, 1, 2}, -1.), 0));
}

TEST(Sampling, AffineGridMapsEachPoint) {
  const Tensor matrix = torch::tensor(
      {{0.5, 0.1, 0.2}, {-0.3, 2.0, -0.4}, {0., 0., 1.}}, torch::kFloat32);
  const Tensor grid = AffineGrid(matrix.unsqueeze(0), 4, 5);
  const Tensor points = CoordinateGrid(4, 5, torch::kFloat32);
  for (int y = 0; y < 4; ++y) {
    for (int x = 0; x < 5; ++x) {
      const Tensor homogeneous = torch::cat({points[y][x], torch::ones({1})});
      // A handful of roundings of numbers up to 2.
      EXPECT_THAT(grid[0][y][x],
                  TensorNear(matrix.mv(homogeneous).slice(0, 0, 2), 1e-6));
    }
  }
}

TEST(Sampling, IdentityGridKeepsTheImage) {
  const Tensor image = FillUniform("image", {2, 3, 9, 7});
  const Tensor identity =
      CoordinateGrid(9, 7, torch::kFloat32).expand({2, 9, 7, 2});
  // The coordinates' rounding, 1e-7 of 9 pixels, moves the lookup.
  EXPECT_THAT(Warp(image, identity), TensorNear(image, 2e-6));
}

TEST(Sampling, CoarseAffineGridIsResizedExactly) {
  const Tensor image = FillUniform("image", {1, 3, 32, 48});
  const Tensor matrix = torch::tensor(
      {{{0.9, 0.1, 0.05}, {-0.1, 0.8, 0.1}, {0., 0., 1.}}}, torch::kFloat32);
  // Affine maps survive bilinear resizing; rounding moves the lookup by 1e-6
  // of 48 pixels.
  EXPECT_THAT(Warp(image, AffineGrid(matrix, 8, 12)),
              TensorNear(Warp(image, AffineGrid(matrix, 32, 48)), 1e-4));
}

TEST(Sampling, OneImageServesManyGrids) {
  const Tensor image = FillUniform("image", {1, 3, 16, 16});
  const Tensor grids = FillSigned("grids", {4, 16, 16, 2});
  EXPECT_THAT(Warp(image, grids),
              TensorNear(Warp(image.repeat({4, 1, 1, 1}), grids), 0));
}

TEST(Sampling, WarpByEachIsWarpForEach) {
  const Tensor image = FillUniform("image", {2, 3, 8, 12});
  const Tensor grids = 1.2 * FillSigned("grids", {2, 5, 8, 12, 2});
  const Tensor warped = WarpByEach(image, grids);
  ASSERT_EQ(warped.sizes(), torch::IntArrayRef({2, 5, 3, 8, 12}));
  for (int m = 0; m < 5; ++m) {
    EXPECT_THAT(warped.select(1, m),
                TensorNear(Warp(image, grids.select(1, m)), 0));
  }
}

TEST(AntiAlias, KeepsConstantsInsideAndOddSizes) {
  AntiAliasInterpolation2d quarter(3, 0.25);
  const Tensor out = quarter(torch::ones({1, 3, 65, 70}));
  ASSERT_EQ(out.sizes(), torch::IntArrayRef({1, 3, 16, 17}));
  // The kernel's sum, 1 but for rounding; the border sees zeros outside.
  EXPECT_THAT(out.slice(2, 2, 15).slice(3, 2, 16),
              TensorNear(torch::ones({1, 3, 13, 14}), 1e-6));
  EXPECT_LT(out[0][0][0][0].item<float>(), 0.5);
}

TEST(AntiAlias, ScaleThatIsNoInverseIntegerPicksNearestPixels) {
  AntiAliasInterpolation2d down(1, 0.4);
  const Tensor image = FillUniform("image", {1, 1, 20, 20});
  const Tensor out = down(image);
  ASSERT_EQ(out.sizes(), torch::IntArrayRef({1, 1, 8, 8}));
  const Tensor kernel = down->named_buffers()["weight"];
  const Tensor smooth = torch::conv2d(image, kernel, {}, 1, kernel.size(2) / 2);
  // Output pixel 3 lies at 3 / 0.4 = 7.5, of which nearest takes the floor.
  EXPECT_THAT(out[0][0][3][1], TensorNear(smooth[0][0][7][2], 0));
}

// --- Dense motion ----------------------------------------------------------

TEST(DropoutSoftmax, IsSoftmaxWhenNothingIsDropped) {
  const Tensor logits = 3 * FillSigned("logits", {2, 5, 4, 4});
  const Tensor keep = torch::ones({2, 5}, torch::kBool);
  // 1e-6 is added to a sum of at least 1.
  EXPECT_THAT(DropoutSoftmax(logits, keep),
              TensorNear(logits.softmax(1), 2e-6));
}

TEST(DropoutSoftmax, SharesTheWeightAmongTheKept) {
  const Tensor logits = FillSigned("logits", {1, 4, 3, 3});
  const Tensor keep = torch::tensor({{false, true, false, true}});
  const Tensor weights = DropoutSoftmax(logits, keep);
  EXPECT_EQ(weights.select(1, 2).abs().max().item<float>(), 0);
  // Channel 0 counts as kept.
  const Tensor expected =
      torch::stack(
          {logits.select(1, 0), logits.select(1, 1), logits.select(1, 3)}, 1)
          .softmax(1);
  // 1e-6 is added to a sum of at least exp(-2).
  EXPECT_THAT(weights.select(1, 0), TensorNear(expected.select(1, 0), 1e-5));
  EXPECT_THAT(weights.select(1, 3), TensorNear(expected.select(1, 2), 1e-5));
}

struct DenseMotionInput {
  explicit DenseMotionInput(const DenseMotionOptions& options, int64_t batch,
                            int64_t size)
      : source(FillUniform("source", {batch, 3, size, size})),
        heatmaps(FillSigned("heatmaps",
                            {batch, options.num_keypoints() + 1, size, size})),
        candidates(FillSigned(
            "candidates", {batch, options.num_candidates(), size, size, 2})) {}
  Tensor source, heatmaps, candidates;
};

TEST(DenseMotion, AgreeingCandidatesAreTheDeformation) {
  const DenseMotionOptions options = SmallDenseMotion();
  DenseMotionNetwork network(options);
  FillModule("dense/", *network);
  DenseMotionInput input(options, 2, 16);
  const Tensor grid = FillSigned("grid", {2, 1, 16, 16, 2});
  input.candidates = grid.expand({-1, options.num_candidates(), -1, -1, -1});
  const DenseMotionOutput output =
      network(input.source, input.heatmaps, input.candidates);
  // The weights sum to 1 but for rounding.
  EXPECT_THAT(output.source_from_driving, TensorNear(grid.squeeze(1), 1e-6));
}

TEST(DenseMotion, BlendsAgreeingCandidatesAtTheSizeOfTheImage) {
  DenseMotionOptions options = SmallDenseMotion();
  options.blend_at_full_size = true;
  DenseMotionNetwork network(options);
  DenseMotionInput input(options, 2, 16);
  const Tensor grid = FillSigned("grid", {2, 16, 16, 2});
  input.candidates =
      grid.unsqueeze(1).expand({-1, options.num_candidates(), -1, -1, -1});
  const int64_t size = std::lround(16 / options.scale_factor);
  for (const Tensor& keep :
       {Tensor(), torch::ones({2, options.num_candidates()}, torch::kBool)}) {
    // The weights sum to 1 but for rounding, and for 1e-6 with dropout.
    EXPECT_THAT(network(input.source, input.heatmaps, input.candidates, keep)
                    .source_from_driving,
                TensorNear(ResizeGrid(grid, size, size), 3e-6));
  }
}

// Two candidates half an image apart, and maps that are sure of one of them:
// few pixels, not a ramp as wide as a pixel of the small blend, come from
// between.
TEST(DenseMotion, BlendedAtFullSizeHasNoRampsBetweenParts) {
  torch::NoGradGuard no_grad;
  const auto pixels_between = [](bool at_full_size) {
    DenseMotionOptions options = SmallDenseMotion();
    options.blend_at_full_size = at_full_size;
    DenseMotionNetwork network(options);
    FillModule("dense/", *network);
    network->named_parameters()["maps.weight"].mul_(1000);
    DenseMotionInput input(options, 1, 16);
    input.candidates = torch::zeros_like(input.candidates);
    input.candidates.select(1, 1).select(-1, 0).fill_(0.5);
    const int64_t size = std::lround(16 / options.scale_factor);
    const Tensor x =
        ResizeGrid(network(input.source, input.heatmaps, input.candidates)
                       .source_from_driving,
                   size, size)
            .select(-1, 0);
    return ((x > 0.05) & (x < 0.45)).sum().item<int64_t>();
  };
  const int64_t ramps = pixels_between(false);
  ASSERT_GT(ramps, 50);
  EXPECT_LT(pixels_between(true), ramps / 3);
}

TEST(DenseMotion, WithoutGlobalTransformHasOneCandidateLess) {
  DenseMotionOptions options = SmallDenseMotion();
  options.global_transform = false;
  ASSERT_EQ(options.num_candidates(), 4);
  DenseMotionNetwork network(options);
  const DenseMotionInput input(options, 1, 16);
  const DenseMotionOutput output =
      network(input.source, input.heatmaps, input.candidates);
  EXPECT_EQ(output.contribution_maps.size(1), 4);
}

TEST(DenseMotion, HasMapsForEveryResolution) {
  for (const double scale : {1., 0.5, 0.25, 0.125}) {
    DenseMotionOptions options = SmallDenseMotion();
    options.scale_factor = scale;
    options.num_blocks = 4;
    DenseMotionNetwork network(options);
    const int64_t image_size = 128;
    const auto size = static_cast<int64_t>(image_size * scale);
    const DenseMotionInput input(options, 1, size);
    const DenseMotionOutput output =
        network(input.source, input.heatmaps, input.candidates);
    ASSERT_EQ(output.occlusion_maps.size(), 4);
    for (int i = 0; i < 4; ++i) {
      EXPECT_EQ(output.occlusion_maps[i].size(2), image_size >> (3 - i));
    }
    const Tensor small =
        network->Downsample(torch::zeros({1, 3, image_size, image_size}));
    EXPECT_EQ(small.size(3), size);
  }
}

TEST(DenseMotion, ShowsTheWarpedSourceAtFirst) {
  torch::manual_seed(0);
  DenseMotionOptions options = SmallDenseMotion();
  for (const double visibility : {0.5, 0.95}) {
    options.initial_visibility = visibility;
    DenseMotionNetwork network(options);
    const DenseMotionInput input(options, 2, 16);
    const Tensor visible =
        network(input.source, input.heatmaps, input.candidates)
            .occlusion_maps.back();
    // The features' random weights spread the logits by a few tenths.
    EXPECT_NEAR(visible.mean().item<double>(), visibility, 0.1);
  }
  options.initial_visibility = 1;
  EXPECT_THROW(DenseMotionNetwork{options}, c10::Error);
}

TEST(DenseMotion, RefusesTooFewBlocks) {
  DenseMotionOptions options = SmallDenseMotion();
  options.num_blocks = 1;
  EXPECT_THROW(DenseMotionNetwork{options}, c10::Error);
}

TEST(DenseMotion, SampleDoesNotDependOnItsBatch) {
  torch::NoGradGuard no_grad;
  const DenseMotionOptions options = SmallDenseMotion();
  DenseMotionNetwork network(options);
  FillModule("dense/", *network);
  const DenseMotionInput input(options, 3, 16);
  const DenseMotionOutput all =
      network(input.source, input.heatmaps, input.candidates);
  const DenseMotionOutput one =
      network(input.source.slice(0, 1, 2), input.heatmaps.slice(0, 1, 2),
              input.candidates.slice(0, 1, 2));
  EXPECT_THAT(one.source_from_driving,
              TensorNear(all.source_from_driving.slice(0, 1, 2), kReorderTol));
  EXPECT_THAT(
      one.occlusion_maps.back(),
      TensorNear(all.occlusion_maps.back().slice(0, 1, 2), kReorderTol));
}

// --- Inpainting ------------------------------------------------------------

std::vector<Tensor> OcclusionMaps(int64_t batch, int64_t size, int levels) {
  std::vector<Tensor> maps;
  for (int i = levels - 1; i >= 0; --i) {
    maps.push_back(FillUniform("occlusion" + std::to_string(i),
                               {batch, 1, size >> i, size >> i}));
  }
  return maps;
}

// Smooth, and different in each sample.
Tensor Deformation(int64_t batch, int64_t size) {
  const Tensor noise = FillSigned("motion", {batch, 2, 4, 4});
  const Tensor smooth = ResizeBilinear(noise, size, size).permute({0, 2, 3, 1});
  return CoordinateGrid(size, size, torch::kFloat32) + 0.2 * smooth;
}

TEST(Inpainting, RenderingFromFeaturesIsForward) {
  torch::NoGradGuard no_grad;
  InpaintingNetwork network(SmallInpainting());
  FillModule("inpainting/", *network);
  const Tensor source = FillUniform("source", {1, 3, 64, 64});
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
  const SourceFeatures features =
      network->EncodeSource(FillUniform("source", {1, 3, 64, 64}));
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

TEST(Inpainting, InferenceModeAndChannelsLastChangeNothing) {
  InpaintingNetwork network(SmallInpainting());
  FillModule("inpainting/", *network);
  for (const int64_t batch : {1, 2}) {
    const Tensor source = FillUniform("source", {batch, 3, 64, 64});
    const Tensor source_from_driving = Deformation(batch, 16);
    const std::vector<Tensor> occlusion = OcclusionMaps(batch, 64, 4);
    const Tensor expected =
        network(source, source_from_driving, occlusion).prediction.detach();
    torch::InferenceMode inference;
    const InpaintingOutput actual = network->Render(
        network->EncodeSource(
            source.contiguous(torch::MemoryFormat::ChannelsLast)),
        source_from_driving, occlusion);
    EXPECT_THAT(actual.prediction, TensorNear(expected, kReorderTol));
  }
}

TEST(Inpainting, OtherDepthsUseTheMapsOfTheirResolutions) {
  for (const int64_t depth : {1, 2, 3}) {
    InpaintingOptions options = SmallInpainting();
    options.num_down_blocks = depth;
    InpaintingNetwork network(options);
    const std::vector<Tensor> occlusion = OcclusionMaps(2, 64, 4);
    const InpaintingOutput output = network(
        FillUniform("source", {2, 3, 64, 64}), Deformation(2, 16), occlusion);
    EXPECT_EQ(output.prediction.sizes(), torch::IntArrayRef({2, 3, 64, 64}));
    ASSERT_EQ(output.warped_encoder_maps.size(), depth + 1);
    EXPECT_EQ(output.warped_encoder_maps[0].size(2), 64 >> depth);
  }
}

TEST(Inpainting, TellsOfTooFewOcclusionMaps) {
  InpaintingNetwork network(SmallInpainting());
  EXPECT_THROW(network(FillUniform("source", {1, 3, 64, 64}),
                       Deformation(1, 16), OcclusionMaps(1, 64, 2)),
               c10::Error);
}

TEST(Inpainting, VisibleEverywhereShowsTheWarpedSource) {
  InpaintingNetwork network(SmallInpainting());
  std::vector<Tensor> occlusion;
  for (const Tensor& map : OcclusionMaps(1, 64, 4)) {
    occlusion.push_back(torch::ones_like(map));
  }
  const InpaintingOutput output = network(FillUniform("source", {1, 3, 64, 64}),
                                          Deformation(1, 16), occlusion);
  EXPECT_THAT(output.prediction, TensorNear(output.deformed_source, 0));
}

TEST(Inpainting, AFewStepsLowerTheLoss) {
  torch::manual_seed(3);
  InpaintingNetwork network(SmallInpainting());
  const Tensor source = FillUniform("source", {2, 3, 32, 32});
  const Tensor target = FillUniform("target", {2, 3, 32, 32});
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

// --- VGG -------------------------------------------------------------------

TEST(Vgg19, MapsHaveTheirResolutions) {
  const auto maps = Vgg19()->forward(FillUniform("image", {1, 3, 32, 48}));
  const int64_t channels[] = {64, 128, 256, 512, 512};
  for (int i = 0; i < Vgg19Impl::kNumSlices; ++i) {
    EXPECT_EQ(maps[i].sizes(),
              torch::IntArrayRef({1, channels[i], 32 >> i, 48 >> i}));
    EXPECT_GE(maps[i].min().item<float>(), 0);  // after a relu
  }
}

}  // namespace
}  // namespace networks
