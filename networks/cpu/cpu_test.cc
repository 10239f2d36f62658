// The vector kernels against their twins among LibTorch's operators.
#include <ATen/Parallel.h>
#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/cpu/differentiable_convolution.h"
#include "networks/cpu/differentiable_norm.h"
#include "networks/cpu/kernels.h"
#include "networks/cpu/patch_convolution.h"
#include "networks/cpu/pixels.h"
#include "networks/cpu/row_convolution.h"
#include "networks/cpu/weight_cache.h"
#include "networks/cpu/winograd.h"
#include "networks/testing/fill.h"
#include "networks/testing/tensor_near.h"

namespace networks::cpu {
namespace {

using test_util::FillSigned;
using test_util::FillUniform;
using test_util::TensorNear;
using torch::Tensor;

// Of normalised values up to 5: the rounding of a mean and a deviation.
constexpr double kNormTol = 1e-5;

// Of a convolution's sums of about 1: the rounding of up to 7400 terms in
// another order. Worst seen: 6e-6.
constexpr double kDirectTol = 2e-5;

// Winograd's transforms multiply by up to 8 and add again what they took apart,
// so its rounding errors are some ten times those of the direct convolution,
// whose sums of about 1 have 1e-7 times the root of the number of terms. Worst
// seen over these cases: 5e-6.
constexpr double kWinogradTol = 3e-5;

std::vector<const Kernels*> AllKernels() {
  std::vector<const Kernels*> all;
  for (const Kernels* kernels : {Avx2Kernels(), Avx512Kernels()}) {
    if (kernels != nullptr) all.push_back(kernels);
  }
  return all;
}

// A weight for which outputs have a size of about 1.
Tensor Weight(int64_t out, int64_t in) {
  return FillSigned("weight", {out, in, 3, 3}) / std::sqrt(3. * in);
}

struct Shape {
  int64_t batch, in, out, height, width;
};

class WinogradTest : public ::testing::TestWithParam<Shape> {
 protected:
  void SetUp() override {
    if (AllKernels().empty()) GTEST_SKIP() << "no vector instructions";
  }
  const Shape& shape() const { return GetParam(); }
  Tensor image_ = FillSigned(
      "image", {shape().batch, shape().in, shape().height, shape().width});
  Tensor weight_ = Weight(shape().out, shape().in);
  Tensor bias_ = FillSigned("bias", {shape().out});
  torch::NoGradGuard no_grad_;
};

// Sizes at, below and beyond multiples of the tile and of both vector widths.
INSTANTIATE_TEST_SUITE_P(
    Shapes, WinogradTest,
    ::testing::Values(Shape{1, 16, 32, 8, 8}, Shape{2, 5, 7, 9, 13},
                      Shape{1, 1, 1, 1, 1}, Shape{3, 37, 19, 6, 31},
                      Shape{1, 64, 64, 33, 18}, Shape{1, 151, 75, 12, 12},
                      Shape{1, 3, 40, 64, 64}));

TEST_P(WinogradTest, IsTheConvolution) {
  const Tensor expected = torch::conv2d(image_, weight_, bias_, 1, 1);
  for (const Kernels* kernels : AllKernels()) {
    EXPECT_THAT(Winograd(*kernels, weight_).Apply({image_}, bias_),
                TensorNear(expected, kWinogradTol))
        << kernels->name;
  }
}

TEST_P(WinogradTest, ActivatesItsInputButNotThePadding) {
  const ChannelAffine affine = {
      FillUniform("scale", {shape().batch, shape().in}),
      FillSigned("shift", {shape().batch, shape().in})};
  const Tensor active =
      torch::relu(image_ * affine.scale.unsqueeze(-1).unsqueeze(-1) +
                  affine.shift.unsqueeze(-1).unsqueeze(-1));
  const Tensor expected = torch::conv2d(active, weight_, bias_, 1, 1);
  for (const Kernels* kernels : AllKernels()) {
    EXPECT_THAT(Winograd(*kernels, weight_).Apply({image_, affine}, bias_),
                TensorNear(expected, kWinogradTol))
        << kernels->name;
  }
}

TEST_P(WinogradTest, AddsTheResidual) {
  const Tensor residual = FillSigned(
      "residual", {shape().batch, shape().out, shape().height, shape().width});
  const Tensor expected =
      torch::conv2d(image_, weight_, bias_, 1, 1) + residual;
  for (const Kernels* kernels : AllKernels()) {
    EXPECT_THAT(Winograd(*kernels, weight_).Apply({image_}, bias_, residual),
                TensorNear(expected, kWinogradTol))
        << kernels->name;
  }
}

TEST_P(WinogradTest, UpsamplesItsInput) {
  const Tensor large = torch::upsample_nearest2d(
      image_, {2 * shape().height, 2 * shape().width});
  const Tensor expected = torch::conv2d(large, weight_, bias_, 1, 1);
  ConvolutionInput input{image_};
  input.upsample = true;
  for (const Kernels* kernels : AllKernels()) {
    EXPECT_THAT(Winograd(*kernels, weight_).Apply(input, bias_),
                TensorNear(expected, kWinogradTol))
        << kernels->name;
  }
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

// Outputs and gradients of a convolution whose output is summed with `factor`.
std::vector<Tensor> ValueAndGradients(
    const std::function<Tensor(Tensor, Tensor, Tensor)>& convolve,
    const std::vector<Tensor>& inputs, const Tensor& factor) {
  torch::AutoGradMode with_grad(true);
  std::vector<Tensor> leaves;
  for (const Tensor& x : inputs) {
    leaves.push_back(x.detach().clone().requires_grad_());
  }
  const Tensor out = convolve(leaves[0], leaves[1], leaves[2]);
  std::vector<Tensor> results = torch::autograd::grad({out}, leaves, {factor});
  results.push_back(out.detach());
  return results;
}

TEST_P(WinogradTest, DifferentiatesAsTheConvolution) {
  const Tensor factor = FillSigned(
      "factor", {shape().batch, shape().out, shape().height, shape().width});
  const DifferentiableConvolution convolution;
  const auto ours = ValueAndGradients(
      [&](Tensor x, Tensor w, Tensor b) { return convolution.Apply(x, w, b); },
      {image_, weight_, bias_}, factor);
  const auto expected = ValueAndGradients(
      [](Tensor x, Tensor w, Tensor b) { return torch::conv2d(x, w, b, 1, 1); },
      {image_, weight_, bias_}, factor);
  for (size_t i = 0; i < expected.size(); ++i) {
    // Gradients in the weights are sums over the pixels: of that size.
    const double size = std::max(expected[i].abs().max().item<double>(), 1.0);
    EXPECT_THAT(ours[i], TensorNear(expected[i], kWinogradTol * size)) << i;
  }
}

TEST_P(WinogradTest, GradientsDoNotDependOnThreads) {
  const Tensor factor = FillSigned(
      "factor", {shape().batch, shape().out, shape().height, shape().width});
  const DifferentiableConvolution convolution;
  const int threads = at::get_num_threads();
  std::vector<std::vector<Tensor>> results;
  for (const int used : {1, 3}) {
    at::set_num_threads(used);
    results.push_back(
        ValueAndGradients([&](Tensor x, Tensor w,
                              Tensor b) { return convolution.Apply(x, w, b); },
                          {image_, weight_, bias_}, factor));
  }
  at::set_num_threads(threads);
  for (size_t i = 0; i < results[0].size(); ++i) {
    EXPECT_TRUE(torch::equal(results[0][i], results[1][i])) << i;
  }
}

TEST_P(WinogradTest, InstanceNormDifferentiatesAsLibTorchs) {
  if (shape().height * shape().width == 1) GTEST_SKIP() << "no deviation";
  const std::vector<Tensor> inputs = {image_ + 10,
                                      FillUniform("norm.weight", {shape().in}),
                                      FillSigned("norm.bias", {shape().in})};
  const Tensor factor = FillSigned("factor", image_.sizes());
  const auto ours = ValueAndGradients(
      [](Tensor x, Tensor w, Tensor b) {
        return DifferentiableInstanceNormRelu(x, w, b, 1e-5);
      },
      inputs, factor);
  // In float64, whose ReLUs are on the same side but for values of 1e-7.
  std::vector<Tensor> exact;
  for (const Tensor& x : inputs) exact.push_back(x.to(torch::kFloat64));
  const auto expected = ValueAndGradients(
      [](Tensor x, Tensor w, Tensor b) {
        return torch::instance_norm(x, w, b, {}, {}, true, 0, 1e-5, false)
            .relu();
      },
      exact, factor.to(torch::kFloat64));
  for (size_t i = 0; i < expected.size(); ++i) {
    const double size = std::max(expected[i].abs().max().item<double>(), 1.0);
    EXPECT_THAT(ours[i], TensorNear(expected[i], 4 * kNormTol * size)) << i;
  }
}

TEST(DifferentiableConvolution, LeavesFrozenWeightsAndUsesNewOnes) {
  if (BestKernels() == nullptr) GTEST_SKIP() << "no vector instructions";
  const DifferentiableConvolution convolution;
  Tensor weight = Weight(5, 4);
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

TEST(DifferentiableConvolution, ServesTrainingInFloat32) {
  if (BestKernels() == nullptr) GTEST_SKIP() << "no vector instructions";
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

TEST_P(WinogradTest, RowConvolutionDoesTheSame) {
  const ChannelAffine affine = {
      FillUniform("scale", {shape().batch, shape().in}),
      FillSigned("shift", {shape().batch, shape().in})};
  const Tensor active =
      torch::relu(image_ * affine.scale.unsqueeze(-1).unsqueeze(-1) +
                  affine.shift.unsqueeze(-1).unsqueeze(-1));
  const Tensor large = torch::upsample_nearest2d(
      active, {2 * shape().height, 2 * shape().width});
  for (const int64_t kernel_size : {1, 3, 7}) {
    const Tensor weight = FillSigned("rows", {shape().out, shape().in,
                                              kernel_size, kernel_size}) /
                          (kernel_size * std::sqrt(shape().in));
    Tensor expected = torch::conv2d(large, weight, bias_, 1, kernel_size / 2);
    const Tensor residual = FillSigned("residual", expected.sizes());
    for (const Kernels* kernels : AllKernels()) {
      EXPECT_THAT(
          RowConvolution(*kernels, weight)
              .Apply({image_, affine, /*upsample=*/true}, bias_, residual),
          TensorNear(expected + residual, kDirectTol))
          << kernels->name;
    }
  }
}

TEST_P(WinogradTest, PatchConvolutionIsTheConvolution) {
  for (const int64_t kernel_size : {1, 3, 7}) {
    const Tensor weight = FillSigned("patches", {shape().out, shape().in,
                                                 kernel_size, kernel_size}) /
                          (kernel_size * std::sqrt(shape().in));
    for (const int64_t stride : {1, 2, 3}) {
      const Tensor expected =
          torch::conv2d(image_, weight, bias_, stride, kernel_size / 2);
      for (const Kernels* kernels : AllKernels()) {
        const PatchConvolution convolution(*kernels, weight);
        EXPECT_THAT(convolution.Apply(image_, bias_, stride),
                    TensorNear(expected, kDirectTol))
            << kernels->name;
        EXPECT_THAT(
            convolution.Apply(image_, {}, stride) + bias_.view({1, -1, 1, 1}),
            TensorNear(expected, kDirectTol))
            << kernels->name;
      }
    }
  }
}

// Row and patch convolutions take several small images at a time: batches on
// both sides of such a group.
TEST_P(WinogradTest, SampleIsTheSameAloneAndInAnyBatchByOtherMethods) {
  const Tensor image =
      FillSigned("images", {9, shape().in, shape().height, shape().width});
  const RowConvolution rows(*BestKernels(), weight_);
  const PatchConvolution patches(*BestKernels(), weight_);
  for (int64_t b = 0; b < image.size(0); ++b) {
    const Tensor one = image.slice(0, b, b + 1);
    const Tensor by_rows = rows.Apply({one}, bias_);
    const Tensor by_patches = patches.Apply(one, bias_, /*stride=*/2);
    for (const int64_t begin : {int64_t{0}, b}) {
      const Tensor many = image.slice(0, begin);
      EXPECT_TRUE(
          torch::equal(rows.Apply({many}, bias_)[b - begin], by_rows[0]));
      EXPECT_TRUE(torch::equal(patches.Apply(many, bias_, 2)[b - begin],
                               by_patches[0]));
    }
  }
}

TEST_P(WinogradTest, InstanceNormAffineIsInstanceNorm) {
  if (shape().height * shape().width == 1) GTEST_SKIP() << "no deviation";
  const Tensor weight = FillUniform("norm.weight", {shape().in});
  const Tensor bias = FillSigned("norm.bias", {shape().in});
  // A mean of 20 deviations.
  const Tensor x = image_ + 10;
  const Tensor expected = torch::relu(
      torch::instance_norm(x, weight, bias, {}, {}, true, 0, 1e-5, false));
  EXPECT_THAT(Activate(x, InstanceNormAffine(x, weight, bias, 1e-5)),
              TensorNear(expected, 2 * kNormTol));
}

TEST_P(WinogradTest, ThreadsChangeNoBit) {
  const Tensor weight = FillUniform("norm.weight", {shape().in});
  const Tensor bias = FillSigned("norm.bias", {shape().in});
  const Winograd convolution(*BestKernels(), Weight(8, shape().in));
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

TEST_P(WinogradTest, WarpIsGridSample) {
  // Beyond the image at each side, and NaN.
  Tensor grid = 1.3 * FillSigned("grid", {shape().batch, 11, 9, 2});
  grid[0][3][2][0] = std::numeric_limits<float>::quiet_NaN();
  const Tensor factor = FillUniform("factor", {shape().batch, 1, 11, 9});
  const Tensor plain = torch::grid_sampler(image_, grid, 0, 0, true);
  Tensor expected =
      torch::grid_sampler(image_, grid.nan_to_num(0), 0, 0, true) * factor;
  expected.select(3, 2).select(2, 3)[0].zero_();  // A NaN reads zeros.
  // Rounding of a position of up to 64 pixels.
  EXPECT_THAT(Warp(image_, grid, factor), TensorNear(expected, 2e-5));

  Tensor wide = torch::zeros({shape().batch, 11, 9, 2 * shape().in})
                    .permute({0, 3, 1, 2});
  Warp(image_, grid, factor, wide.slice(1, shape().in));
  EXPECT_THAT(wide.slice(1, shape().in), TensorNear(expected, 2e-5));
  EXPECT_EQ(wide.slice(1, 0, shape().in).abs().max().item<float>(), 0);
}

TEST(ResizeBilinear, IsLibTorchs) {
  if (BestKernels() == nullptr) GTEST_SKIP() << "no vector instructions";
  for (const int64_t channels : {1, 2, 7}) {
    const Tensor image = FillSigned("image", {2, channels, 5, 8});
    for (const auto& [height, width] :
         {std::pair<int64_t, int64_t>{5, 8}, {20, 32}, {3, 2}, {1, 1}}) {
      // The rounding of a position of up to 8 pixels, times a difference of 2.
      EXPECT_THAT(
          ResizeBilinear(image, height, width),
          TensorNear(torch::upsample_bilinear2d(image, {height, width}, true),
                     4e-6));
    }
  }
}

TEST(Warp, ReadsNothingBesideTheImage) {
  // Positions just inside and outside each border, float by float: there the
  // pixel beyond has a weight of about 0, or none.
  constexpr int64_t kChannels = 5, kSteps = 40;
  for (const int64_t size : {1, 2, 3, 4, 16, 64, 256}) {
    // Zeros in front of 1000s: beyond the last row and the last column.
    const Tensor buffer = WithChannelsLast(
        torch::full({1, kChannels, size + 2, size + 2}, 1000.f));
    const Tensor image = buffer.slice(2, 0, size).slice(3, 0, size).zero_();
    const float pixel = 2.f / std::max<float>(size - 1, 1);
    std::vector<float> coordinates;
    for (const float border : {-1 - pixel, -1.f, 1.f, 1 + pixel}) {
      float low = border, high = border;
      for (int64_t i = 0; i < kSteps; ++i) {
        coordinates.push_back(low = std::nextafter(low, -3.f));
        coordinates.push_back(high = std::nextafter(high, 3.f));
      }
    }
    const Tensor line = torch::tensor(coordinates);
    const Tensor zero = torch::zeros_like(line);
    const Tensor grid = torch::cat({torch::stack({line, zero}, -1),
                                    torch::stack({zero, line}, -1)});  // [n, 2]
    Tensor out = EmptyChannelsLast(1, kChannels, 1, grid.size(0));
    for (const Kernels* kernels : AllKernels()) {
      kernels->warp(SampleOf(image, 0), grid.data_ptr<float>(),
                    /*factor=*/nullptr, /*y=*/0, MutableSampleOf(out, 0));
      EXPECT_EQ(out.abs().max().item<float>(), 0)
          << kernels->name << ", size " << size;
    }
  }
}

TEST(WeightCache, FollowsItsParameter) {
  if (BestKernels() == nullptr) GTEST_SKIP() << "no vector instructions";
  torch::NoGradGuard no_grad;
  Tensor weight = Weight(8, 8);
  const Tensor image = FillSigned("image", {1, 8, 8, 8});
  const Tensor bias = torch::zeros({8});
  WeightCache<Winograd> cache;
  const auto first = cache.Get(weight);
  EXPECT_EQ(cache.Get(weight), first);
  weight.mul_(2);
  EXPECT_THAT(cache.Get(weight)->Apply({image}, bias),
              TensorNear(2 * first->Apply({image}, bias), kWinogradTol));
}

TEST(Available, IsForInferenceInFloat32) {
  if (BestKernels() == nullptr) GTEST_SKIP() << "no vector instructions";
  const Tensor x = torch::zeros({1, 1, 2, 2});
  EXPECT_FALSE(Available(x));
  torch::NoGradGuard no_grad;
  EXPECT_TRUE(Available(x));
  EXPECT_FALSE(Available(x.to(torch::kFloat64)));
}

}  // namespace
}  // namespace networks::cpu
