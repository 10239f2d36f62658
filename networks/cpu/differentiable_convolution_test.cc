#include "networks/cpu/differentiable_convolution.h"

#include <ATen/Parallel.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/cpu/convolution_cases.h"
#include "networks/cpu/kernels.h"
#include "networks/testing/fill.h"
#include "networks/testing/tensor_near.h"

namespace networks::cpu {
namespace {

using test_util::FillSigned;
using test_util::TensorNear;
using torch::Tensor;

// Winograd's transforms multiply by up to 8 and add again what they took apart,
// so its rounding errors are some ten times those of the direct convolution,
// whose sums of about 1 have 1e-7 times the root of the number of terms. Worst
// seen over these cases: 5e-6.
constexpr double kWinogradTol = 3e-5;

class DifferentiableConvolutionTest : public AnyKernelsTest {};

class DifferentiableConvolutionShapesTest : public BestKernelsTest {};
INSTANTIATE_TEST_SUITE_P(Shapes, DifferentiableConvolutionShapesTest,
                         ::testing::ValuesIn(AllShapes()), CaseName<Shape>);

TEST_P(DifferentiableConvolutionShapesTest, DifferentiatesAsTheConvolution) {
  const Tensor factor = FillSigned(
      "factor", {shape().batch, shape().out, shape().height, shape().width});
  const DifferentiableConvolution convolution;
  const auto ours = GradientsAndValue(
      [&](Tensor x, Tensor w, Tensor b) { return convolution.Apply(x, w, b); },
      {image_, weight_, bias_}, factor);
  const auto expected = GradientsAndValue(
      [](Tensor x, Tensor w, Tensor b) { return torch::conv2d(x, w, b, 1, 1); },
      {image_, weight_, bias_}, factor);
  for (size_t i = 0; i < expected.size(); ++i) {
    // Gradients in the weights are sums over the pixels: of that size.
    const double size = std::max(expected[i].abs().max().item<double>(), 1.0);
    EXPECT_THAT(ours[i], TensorNear(expected[i], kWinogradTol * size)) << i;
  }
}

TEST_P(DifferentiableConvolutionShapesTest, GradientsDoNotDependOnThreads) {
  const Tensor factor = FillSigned(
      "factor", {shape().batch, shape().out, shape().height, shape().width});
  const DifferentiableConvolution convolution;
  const int threads = at::get_num_threads();
  std::vector<std::vector<Tensor>> results;
  for (const int used : {1, 3}) {
    at::set_num_threads(used);
    results.push_back(
        GradientsAndValue([&](Tensor x, Tensor w,
                              Tensor b) { return convolution.Apply(x, w, b); },
                          {image_, weight_, bias_}, factor));
  }
  at::set_num_threads(threads);
  for (size_t i = 0; i < results[0].size(); ++i) {
    EXPECT_TRUE(torch::equal(results[0][i], results[1][i])) << i;
  }
}

TEST_F(DifferentiableConvolutionTest, LeavesFrozenWeightsAndUsesNewOnes) {
  const DifferentiableConvolution convolution;
  Tensor weight = WeightOfUnitOutputs(5, 4);
  const Tensor factor = FillSigned("factor", {1, 5, 8, 8});
  for (int step = 0; step < 2; ++step) {
    const Tensor image = FillSigned("image", {1, 4, 8, 8}).requires_grad_();
    const Tensor twin = image.detach().clone().requires_grad_();
    convolution.Apply(image, weight, {}).backward(factor);
    torch::conv2d(twin, weight, {}, 1, 1).backward(factor);
    EXPECT_THAT(image.grad(), TensorNear(twin.grad(), kWinogradTol));
    EXPECT_FALSE(weight.grad().defined());
    weight.mul_(-2);
  }
}

// A little more than 256 x 256 channels.
TEST_F(DifferentiableConvolutionTest, TrainsLargeWeightsWhereThatIsAllowed) {
  const DifferentiableConvolution convolution;
  const Tensor image = FillSigned("image", {1, 256, 24, 24});
  const Tensor bias = FillSigned("bias", {264});
  const Tensor factor = FillSigned("factor", {1, 264, 24, 24});
  Tensor weight = WeightOfUnitOutputs(264, 256);
  weight.requires_grad_();
  EXPECT_FALSE(DifferentiableConvolution::Serves(image, weight));
  {
    const LargeConvolutionScope forbidden(false);
    EXPECT_FALSE(DifferentiableConvolution::Serves(image, weight));
    const LargeConvolutionScope allowed(true);
    EXPECT_TRUE(DifferentiableConvolution::Serves(image, weight));
  }
  EXPECT_FALSE(DifferentiableConvolution::Serves(image, weight));
  torch::AutoGradMode with_grad(true);
  for (int step = 0; step < 2; ++step) {
    const Tensor x = image.clone().requires_grad_();
    const Tensor twin = image.clone().requires_grad_();
    const Tensor weight_twin = weight.detach().clone().requires_grad_();
    weight.mutable_grad().reset();
    convolution.Apply(x, weight, bias).backward(factor);
    torch::conv2d(twin, weight_twin, bias, 1, 1).backward(factor);
    for (const auto& [ours, expected] :
         {std::pair(x.grad(), twin.grad()),
          std::pair(weight.grad(), weight_twin.grad())}) {
      const double size = expected.abs().max().item<double>();
      EXPECT_THAT(ours, TensorNear(expected, kWinogradTol * size));
    }
    const torch::NoGradGuard no_grad;
    weight.mul_(-2);  // as an optimizer's step would
  }
}

TEST_F(DifferentiableConvolutionTest, ServesTrainingInFloat32) {
  const auto serves = DifferentiableConvolution::Serves;
  const Tensor image = torch::zeros({4, 8, 16, 16});
  const Tensor weight = torch::zeros({8, 8, 3, 3});
  EXPECT_TRUE(serves(image, weight));
  EXPECT_FALSE(serves(image.to(torch::kFloat64), weight));
  EXPECT_FALSE(serves(image, torch::zeros({8, 8, 7, 7})));
  EXPECT_FALSE(serves(image.slice(2, 0, 2), weight)) << "below a tile";
  torch::NoGradGuard no_grad;
  EXPECT_FALSE(serves(image, weight));
}

}  // namespace
}  // namespace networks::cpu
