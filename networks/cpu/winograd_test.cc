#include "networks/cpu/winograd.h"

#include <ATen/Parallel.h>
#include <torch/types.h>

#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/cpu/convolution_cases.h"
#include "networks/cpu/kernels.h"
#include "networks/cpu/pixels.h"
#include "networks/testing/fill.h"
#include "networks/testing/tensor_near.h"

namespace networks::cpu {
namespace {

using test_util::FillSigned;
using test_util::FillUniform;
using test_util::TensorNear;
using torch::Tensor;

// Winograd's transforms multiply by up to 8 and add again what they took apart,
// so its rounding errors are some ten times those of the direct convolution,
// whose sums of about 1 have 1e-7 times the root of the number of terms. Worst
// seen over these cases: 5e-6.
constexpr double kWinogradTol = 3e-5;

class WinogradKernelsTest : public KernelsTest {};
INSTANTIATE_TEST_SUITE_P(
    All, WinogradKernelsTest,
    ::testing::Combine(::testing::ValuesIn(AllInstructionSets()),
                       ::testing::ValuesIn(AllShapes())),
    CaseName<WinogradKernelsTest::ParamType>);

class WinogradTest : public BestKernelsTest {};
INSTANTIATE_TEST_SUITE_P(Shapes, WinogradTest, ::testing::ValuesIn(AllShapes()),
                         CaseName<Shape>);

TEST_P(WinogradKernelsTest, IsTheConvolution) {
  const Tensor expected = torch::conv2d(image_, weight_, bias_, 1, 1);
  EXPECT_THAT(Winograd(kernels(), weight_).Apply({image_}, bias_),
              TensorNear(expected, kWinogradTol));
}

TEST_P(WinogradKernelsTest, ActivatesItsInputButNotThePadding) {
  const ChannelAffine affine = {
      FillUniform("scale", {shape().batch, shape().in}),
      FillSigned("shift", {shape().batch, shape().in})};
  const Tensor active =
      torch::relu(image_ * affine.scale.unsqueeze(-1).unsqueeze(-1) +
                  affine.shift.unsqueeze(-1).unsqueeze(-1));
  const Tensor expected = torch::conv2d(active, weight_, bias_, 1, 1);
  EXPECT_THAT(Winograd(kernels(), weight_).Apply({image_, affine}, bias_),
              TensorNear(expected, kWinogradTol));
}

TEST_P(WinogradKernelsTest, AddsTheResidual) {
  const Tensor residual = FillSigned(
      "residual", {shape().batch, shape().out, shape().height, shape().width});
  const Tensor expected =
      torch::conv2d(image_, weight_, bias_, 1, 1) + residual;
  EXPECT_THAT(Winograd(kernels(), weight_).Apply({image_}, bias_, residual),
              TensorNear(expected, kWinogradTol));
}

TEST_P(WinogradKernelsTest, UpsamplesItsInput) {
  const Tensor large = torch::upsample_nearest2d(
      image_, {2 * shape().height, 2 * shape().width});
  const Tensor expected = torch::conv2d(large, weight_, bias_, 1, 1);
  ConvolutionInput input{image_};
  input.upsample = true;
  EXPECT_THAT(Winograd(kernels(), weight_).Apply(input, bias_),
              TensorNear(expected, kWinogradTol));
}

TEST_P(WinogradTest, ReadsEveryLayout) {
  const Winograd winograd(*BestKernels(), weight_);
  const Tensor expected = winograd.Apply({image_}, bias_);
  EXPECT_THAT(
      winograd.Apply({image_.contiguous(torch::MemoryFormat::ChannelsLast)},
                     bias_),
      TensorNear(expected, 0));
  const Tensor wide = WithChannelsLast(torch::cat({image_, image_}, 1));
  EXPECT_THAT(winograd.Apply({wide.slice(1, shape().in)}, bias_),
              TensorNear(expected, 0));
}

TEST_P(WinogradTest, SampleDoesNotDependOnItsBatch) {
  const Winograd winograd(*BestKernels(), weight_);
  const Tensor all = winograd.Apply({image_}, bias_);
  for (int64_t b = 0; b < shape().batch; ++b) {
    EXPECT_THAT(winograd.Apply({image_.slice(0, b, b + 1)}, bias_),
                TensorNear(all.slice(0, b, b + 1), 0));
  }
}

TEST_P(WinogradTest, ThreadsChangeNoBit) {
  const Tensor weight = FillUniform("norm.weight", {shape().in});
  const Tensor bias = FillSigned("norm.bias", {shape().in});
  const Winograd convolution(*BestKernels(),
                             WeightOfUnitOutputs(8, shape().in));
  const int threads = at::get_num_threads();
  std::vector<Tensor> results;
  for (const int used : {1, 2, 3}) {
    at::set_num_threads(used);
    const ChannelAffine affine = InstanceNormAffine(image_, weight, bias, 1e-5);
    results.push_back(
        convolution.Apply({image_, affine}, FillSigned("b", {8})));
  }
  at::set_num_threads(threads);
  EXPECT_TRUE(torch::equal(results[1], results[0]));
  EXPECT_TRUE(torch::equal(results[2], results[0]));
}

}  // namespace
}  // namespace networks::cpu
