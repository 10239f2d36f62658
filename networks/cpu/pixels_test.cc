#include "networks/cpu/pixels.h"

#include <torch/types.h>
#include <torch/utils.h>

#include <algorithm>
#include <cmath>
#include <limits>
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
using test_util::FillUniform;
using test_util::TensorNear;
using torch::Tensor;

// Of normalised values up to 5: the rounding of a mean and a deviation.
constexpr double kNormTol = 1e-5;

class PixelsTest : public BestKernelsTest {};
INSTANTIATE_TEST_SUITE_P(Shapes, PixelsTest, ::testing::ValuesIn(AllShapes()),
                         CaseName<Shape>);

TEST_P(PixelsTest, InstanceNormAffineIsInstanceNorm) {
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

// What went wrong before is not covered up.
TEST_P(PixelsTest, ActivateKeepsNanAndChecksItsShapes) {
  torch::Tensor x = torch::ones({1, 3, 5, 7});
  x[0][1][2][3] = std::nan("");
  const ChannelAffine affine = {torch::ones({1, 3}), torch::zeros({1, 3})};
  const torch::Tensor result = Activate(x, affine);
  EXPECT_TRUE(std::isnan(result[0][1][2][3].item<float>()));
  EXPECT_EQ(result.isnan().sum().item<int64_t>(), 1);
  EXPECT_THROW(Activate(x, {torch::ones({1, 2}), torch::zeros({1, 3})}),
               c10::Error);
}

TEST_P(PixelsTest, WarpIsGridSample) {
  // Beyond the image at each side, and NaN.
  Tensor grid = 1.3 * FillSigned("grid", {shape().batch, 11, 9, 2});
  grid[0][3][2][0] = std::numeric_limits<float>::quiet_NaN();
  const Tensor factor = FillUniform("factor", {shape().batch, 1, 11, 9});
  Tensor expected =
      torch::grid_sampler(image_, grid.nan_to_num(0), 0, 0, true) * factor;
  expected.select(3, 2).select(2, 3)[0].zero_();  // A NaN reads zeros.
  // Rounding of a position of up to 64 pixels.
  EXPECT_THAT(Warp(image_, grid, factor), TensorNear(expected, 2e-5));
}

TEST_P(PixelsTest, WarpOverBlends) {
  const Tensor grid = 1.3 * FillSigned("grid", {shape().batch, 11, 9, 2});
  const Tensor factor = FillUniform("factor", {shape().batch, 1, 11, 9});
  Tensor out = EmptyChannelsLast(shape().batch, shape().in, 11, 9);
  out.copy_(FillSigned("below", out.sizes()));
  const Tensor expected =
      out * (1 - factor) +
      torch::grid_sampler(image_, grid, 0, 0, true) * factor;
  WarpOver(image_, grid, factor, out);
  EXPECT_THAT(out, TensorNear(expected, 2e-5));
}

class ResizeBilinearTest : public AnyKernelsTest {};

TEST_F(ResizeBilinearTest, IsLibTorchs) {
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

class WarpKernelsTest : public ::testing::TestWithParam<InstructionSet> {
 protected:
  void SetUp() override { SkipWithout(GetParam().kernels(), GetParam().name); }
};
INSTANTIATE_TEST_SUITE_P(All, WarpKernelsTest,
                         ::testing::ValuesIn(AllInstructionSets()),
                         CaseName<InstructionSet>);

TEST_P(WarpKernelsTest, ReadsNothingBesideTheImage) {
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
    GetParam().kernels()->warp(SampleOf(image, 0), grid.data_ptr<float>(),
                               /*factor=*/nullptr, /*over=*/false, /*y=*/0,
                               MutableSampleOf(out, 0));
    EXPECT_EQ(out.abs().max().item<float>(), 0) << "size " << size;
  }
}

class AvailableTest : public AnyKernelsTest {};

TEST_F(AvailableTest, IsForInferenceInFloat32) {
  const Tensor x = torch::zeros({1, 1, 2, 2});
  EXPECT_FALSE(Available(x));
  torch::NoGradGuard no_grad;
  EXPECT_TRUE(Available(x));
  EXPECT_FALSE(Available(x.to(torch::kFloat64)));
}

}  // namespace
}  // namespace networks::cpu
