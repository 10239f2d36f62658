#include "networks/cpu/patch_convolution.h"

#include <torch/types.h>

#include <cmath>

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

// Of a convolution's sums of about 1: the rounding of up to 7400 terms in
// another order. Worst seen: 6e-6.
constexpr double kDirectTol = 2e-5;

class PatchConvolutionKernelsTest : public KernelsTest {};
INSTANTIATE_TEST_SUITE_P(
    All, PatchConvolutionKernelsTest,
    ::testing::Combine(::testing::ValuesIn(AllInstructionSets()),
                       ::testing::ValuesIn(AllShapes())),
    CaseName<PatchConvolutionKernelsTest::ParamType>);

class PatchConvolutionTest : public BestKernelsTest {};
INSTANTIATE_TEST_SUITE_P(Shapes, PatchConvolutionTest,
                         ::testing::ValuesIn(AllShapes()), CaseName<Shape>);

TEST_P(PatchConvolutionKernelsTest, IsTheConvolution) {
  for (const int64_t kernel_size : {1, 3, 7}) {
    const Tensor weight = FillSigned("patches", {shape().out, shape().in,
                                                 kernel_size, kernel_size}) /
                          (kernel_size * std::sqrt(shape().in));
    for (const int64_t stride : {1, 2, 3}) {
      const Tensor expected =
          torch::conv2d(image_, weight, bias_, stride, kernel_size / 2);
      const PatchConvolution convolution(kernels(), weight);
      EXPECT_THAT(convolution.Apply(image_, bias_, stride),
                  TensorNear(expected, kDirectTol));
      EXPECT_THAT(
          convolution.Apply(image_, {}, stride) + bias_.view({1, -1, 1, 1}),
          TensorNear(expected, kDirectTol));
    }
  }
}

// Several small images are taken at a time: batches on both sides of such a
// group.
TEST_P(PatchConvolutionTest, SampleIsTheSameAloneAndInAnyBatch) {
  const Tensor image =
      FillSigned("images", {9, shape().in, shape().height, shape().width});
  const PatchConvolution patches(*BestKernels(), weight_);
  for (int64_t b = 0; b < image.size(0); ++b) {
    const Tensor one = image.slice(0, b, b + 1);
    const Tensor by_patches = patches.Apply(one, bias_, /*stride=*/2);
    for (const int64_t begin : {int64_t{0}, b}) {
      const Tensor many = image.slice(0, begin);
      EXPECT_TRUE(torch::equal(patches.Apply(many, bias_, 2)[b - begin],
                               by_patches[0]));
    }
  }
}

}  // namespace
}  // namespace networks::cpu
