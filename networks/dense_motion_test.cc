#include "networks/dense_motion.h"

#include <torch/types.h>
#include <torch/utils.h>

#include <cmath>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/key_list_test_util.h"
#include "networks/sampling.h"
#include "networks/testing/bfloat16_autocast.h"
#include "networks/testing/fill.h"
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

DenseMotionOptions SmallDenseMotion() {
  DenseMotionOptions options;
  options.num_transforms = 3;
  options.block_expansion = 8;
  options.max_features = 64;
  options.num_blocks = 3;
  return options;
}

TEST(StateDict, DenseMotionNetworkHasTheOriginalsKeys) {
  EXPECT_THAT(KeysAndShapes(*DenseMotionNetwork(SmallDenseMotion())),
              ContainerEq(ReadKeyList(
                  "networks/testdata/keys_dense_motion_network.txt")));
}

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
  const test_util::BFloat16Autocast autocast;
  EXPECT_THAT(network(input.source, input.heatmaps, input.candidates)
                  .source_from_driving,
              TensorNear(grid.squeeze(1), 1e-6));
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
  network->eval();
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

}  // namespace
}  // namespace networks
