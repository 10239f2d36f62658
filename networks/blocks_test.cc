#include "networks/blocks.h"

#include <torch/nn/module.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <cmath>
#include <cstdint>
#include <string>
#include <tuple>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/cpu/pixels.h"
#include "networks/testing/tensor_near.h"

namespace networks {
namespace {

using test_util::TensorNear;
using torch::Tensor;

constexpr double kEpsilon = 1e-5;  // of the norms

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

// In inference, in inference of a module in train mode, and in training, whose
// kernels differ; for images that are small and that Winograd's kernels take.
enum class Use { kInference, kInferenceInTrainMode, kTraining };

class BlocksTest
    : public testing::TestWithParam<std::tuple<Use, std::vector<int64_t>>> {
 protected:
  const torch::AutoGradMode gradients_{use() == Use::kTraining};

  void SetUp() override {
    torch::set_num_threads(1);
    torch::manual_seed(2);
  }

  static Use use() { return std::get<0>(GetParam()); }

  static Tensor RandomImage() { return torch::randn(std::get<1>(GetParam())); }

  // `block` with random parameters, also of its norms, ready to be used.
  template <typename Block>
  static Block Prepared(Block block) {
    const torch::NoGradGuard no_grad;
    for (Tensor& x : block->parameters()) x.uniform_(-1, 1);
    block->train(use() != Use::kInference);
    return block;
  }
};

INSTANTIATE_TEST_SUITE_P(
    Uses, BlocksTest,
    testing::Combine(testing::Values(Use::kInference,
                                     Use::kInferenceInTrainMode,
                                     Use::kTraining),
                     testing::Values(std::vector<int64_t>{2, 4, 6, 10},
                                     std::vector<int64_t>{2, 4, 48, 64})));

// The twins below compute in float64 by operations of LibTorch. Results are up
// to 9 and float32; their errors are those of Winograd's transforms, of which
// the largest seen is 1.5e-5, in a ResBlock2d for images of 48 x 64.
constexpr double kTolerance = 1e-4;

Tensor Parameter(const torch::nn::Module& block, const std::string& name) {
  return block.named_parameters()[name].detach().to(torch::kFloat64);
}

Tensor Convolved(const torch::nn::Module& block, const std::string& name,
                 const Tensor& x) {
  const Tensor weight = Parameter(block, name + ".weight");
  return torch::conv2d(x, weight, Parameter(block, name + ".bias"),
                       /*stride=*/1, /*padding=*/weight.size(2) / 2);
}

Tensor NormedRelu(const torch::nn::Module& block, const std::string& name,
                  const Tensor& x) {
  const Tensor centred = x - x.mean({2, 3}, /*keepdim=*/true);
  const Tensor variance = centred.square().mean({2, 3}, /*keepdim=*/true);
  const Tensor scale = Parameter(block, name + ".weight").view({1, -1, 1, 1});
  const Tensor offset = Parameter(block, name + ".bias").view({1, -1, 1, 1});
  return (centred / (variance + kEpsilon).sqrt() * scale + offset).clamp_min(0);
}

TEST_P(BlocksTest, SameBlockIsConvolutionNormAndRelu) {
  const Tensor x = RandomImage();
  for (const int kernel_size : {1, 3, 7}) {
    SameBlock2d block = Prepared(SameBlock2d(4, 5, kernel_size));
    const Tensor convolved = Convolved(*block, "conv", x.to(torch::kFloat64));
    EXPECT_THAT(block(x),
                TensorNear(NormedRelu(*block, "norm", convolved), kTolerance))
        << "kernel size " << kernel_size;
  }
}

TEST_P(BlocksTest, DownBlockIsConvolutionNormReluAndTheMeanOfEachFour) {
  const Tensor x = RandomImage();
  DownBlock2d block = Prepared(DownBlock2d(4, 5));
  const Tensor convolved = Convolved(*block, "conv", x.to(torch::kFloat64));
  const Tensor y = NormedRelu(*block, "norm", convolved);
  const Tensor half =
      y.view({y.size(0), y.size(1), y.size(2) / 2, 2, y.size(3) / 2, 2})
          .mean({3, 5});
  EXPECT_THAT(block(x), TensorNear(half, kTolerance));
}

TEST_P(BlocksTest, UpBlockRepeatsPixelsThenIsConvolutionNormAndRelu) {
  const Tensor x = RandomImage();
  UpBlock2d block = Prepared(UpBlock2d(4, 5));
  const Tensor twice = x.to(torch::kFloat64)
                           .repeat_interleave(2, /*dim=*/2)
                           .repeat_interleave(2, /*dim=*/3);
  const Tensor convolved = Convolved(*block, "conv", twice);
  EXPECT_THAT(block(x),
              TensorNear(NormedRelu(*block, "norm", convolved), kTolerance));
}

TEST_P(BlocksTest, ResBlockAddsTwoConvolutionsOfNormedImages) {
  const Tensor x = RandomImage();
  ResBlock2d block = Prepared(ResBlock2d(4));
  const Tensor input = x.to(torch::kFloat64);
  const Tensor hidden =
      Convolved(*block, "conv1", NormedRelu(*block, "norm1", input));
  const Tensor change =
      Convolved(*block, "conv2", NormedRelu(*block, "norm2", hidden));
  EXPECT_THAT(block(x), TensorNear(input + change, kTolerance));
}

// Nothing is rounded.
TEST_P(BlocksTest, ResBlockWithoutAChangeIsTheIdentity) {
  const Tensor x = RandomImage();
  ResBlock2d block = Prepared(ResBlock2d(4));
  {
    const torch::NoGradGuard no_grad;
    block->named_parameters()["conv2.weight"].zero_();
    block->named_parameters()["conv2.bias"].zero_();
  }
  EXPECT_TRUE(torch::equal(block(x), x));
}

TEST_P(BlocksTest, ResBlockInPlaceHasTheSameBits) {
  Tensor x = RandomImage().contiguous(torch::MemoryFormat::ChannelsLast);
  ResBlock2d block = Prepared(ResBlock2d(4));
  const Tensor expected = block(x);
  const void* const memory = x.data_ptr();
  const Tensor out = block->ForwardInPlace(x);
  EXPECT_TRUE(torch::equal(out, expected));
  if (cpu::Available(x)) {
    EXPECT_EQ(out.data_ptr(), memory);
  }
}

// Of one channel, with a convolution that changes nothing.
template <typename Block>
Block WithoutConvolution(Block block) {
  const torch::NoGradGuard no_grad;
  block->named_parameters()["conv.weight"].zero_();
  block->named_parameters()["conv.weight"][0][0][1][1] = 1;
  block->named_parameters()["conv.bias"].zero_();
  return block;
}

// By hand: the image has mean 1 and variance 4.
TEST(Blocks, KeepHalveAndDoubleAnImage) {
  const Tensor x = torch::tensor({3.f, -1.f, 3.f, 3.f,  //
                                  -1.f, -1.f, -1.f, 3.f})
                       .view({1, 1, 2, 4});
  const double one = 2 / std::sqrt(4 + kEpsilon);
  const Tensor same = torch::tensor({1.f, 0.f, 1.f, 1.f,  //
                                     0.f, 0.f, 0.f, 1.f})
                          .view({1, 1, 2, 4});
  const Tensor half = torch::tensor({0.25f, 0.75f}).view({1, 1, 1, 2});
  const Tensor twice =
      torch::tensor({1.f, 1.f, 0.f, 0.f, 1.f, 1.f, 1.f, 1.f, 1.f, 1.f, 0.f,
                     0.f, 1.f, 1.f, 1.f, 1.f, 0.f, 0.f, 0.f, 0.f, 0.f, 0.f,
                     1.f, 1.f, 0.f, 0.f, 0.f, 0.f, 0.f, 0.f, 1.f, 1.f})
          .view({1, 1, 4, 8});
  EXPECT_THAT(WithoutConvolution(SameBlock2d(1, 1, 3))(x),
              TensorNear(one * same, 1e-6));
  EXPECT_THAT(WithoutConvolution(DownBlock2d(1, 1))(x),
              TensorNear(one * half, 1e-6));
  EXPECT_THAT(WithoutConvolution(UpBlock2d(1, 1))(x),
              TensorNear(one * twice, 1e-6));
}

}  // namespace
}  // namespace networks
