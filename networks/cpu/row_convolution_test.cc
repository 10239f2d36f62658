#include "networks/cpu/row_convolution.h"

#include <torch/types.h>

#include <cmath>

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

// Of a convolution's sums of about 1: the rounding of up to 7400 terms in
// another order. Worst seen: 6e-6.
constexpr double kDirectTol = 2e-5;

class RowConvolutionKernelsTest : public KernelsTest {};
INSTANTIATE_TEST_SUITE_P(
    All, RowConvolutionKernelsTest,
    ::testing::Combine(::testing::ValuesIn(AllInstructionSets()),
                       ::testing::ValuesIn(AllShapes())),
    CaseName<RowConvolutionKernelsTest::ParamType>);

class RowConvolutionTest : public BestKernelsTest {};
INSTANTIATE_TEST_SUITE_P(Shapes, RowConvolutionTest,
                         ::testing::ValuesIn(AllShapes()), CaseName<Shape>);

TEST_P(RowConvolutionKernelsTest, IsTheConvolution) {
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
    EXPECT_THAT(
        RowConvolution(kernels(), weight)
            .Apply({image_, affine, /*upsample=*/true}, bias_, residual),
        TensorNear(expected + residual, kDirectTol));
  }
}

// Several small images are taken at a time: batches on both sides of such a
// group.
TEST_P(RowConvolutionTest, SampleIsTheSameAloneAndInAnyBatch) {
  const Tensor image =
      FillSigned("images", {9, shape().in, shape().height, shape().width});
  const RowConvolution rows(*BestKernels(), weight_);
  for (int64_t b = 0; b < image.size(0); ++b) {
    const Tensor one = image.slice(0, b, b + 1);
    const Tensor by_rows = rows.Apply({one}, bias_);
    for (const int64_t begin : {int64_t{0}, b}) {
      const Tensor many = image.slice(0, begin);
      EXPECT_TRUE(
          torch::equal(rows.Apply({many}, bias_)[b - begin], by_rows[0]));
    }
  }
}

}  // namespace
}  // namespace networks::cpu
