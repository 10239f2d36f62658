#include "networks/cpu/fold_convolution.h"

#include <c10/core/GradMode.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <algorithm>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/cpu/convolution_cases.h"
#include "networks/testing/fill.h"
#include "networks/testing/tensor_near.h"

namespace networks::cpu {
namespace {

using test_util::FillSigned;
using test_util::TensorNear;
using torch::Tensor;

class FoldConvolutionTest : public AnyKernelsTest {};

// Both add products of about 1 in another order: some float32 roundings of the
// sum, whose root of the number of terms, up to 1300, is below 40.
constexpr double kTolerance = 1e-5;

TEST_F(FoldConvolutionTest, DifferentiatesAsTheConvolution) {
  struct Case {
    int64_t batch, in, out, kernel, height, width;
  };
  for (const Case& c : {Case{2, 5, 1, 7, 9, 12}, Case{1, 16, 3, 7, 8, 5},
                        Case{3, 4, 7, 5, 6, 6}, Case{2, 3, 2, 7, 2, 3}}) {
    SCOPED_TRACE(testing::Message()
                 << c.out << " outputs of " << c.height << "x" << c.width);
    const Tensor image =
        FillSigned("image", {c.batch, c.in, c.height, c.width});
    const Tensor weight =
        FillSigned("weight", {c.out, c.in, c.kernel, c.kernel});
    const Tensor bias = FillSigned("bias", {c.out});
    const Tensor factor =
        FillSigned("factor", {c.batch, c.out, c.height, c.width});
    const auto expected = GradientsAndValue(
        [&](Tensor x, Tensor w, Tensor b) {
          return torch::conv2d(x, w, b, /*stride=*/1, /*padding=*/c.kernel / 2);
        },
        {image, weight, bias}, factor);
    for (const auto format :
         {torch::MemoryFormat::Contiguous, torch::MemoryFormat::ChannelsLast}) {
      const auto ours = GradientsAndValue(
          FoldConvolution, {image.contiguous(format), weight, bias}, factor);
      for (size_t i = 0; i < expected.size(); ++i) {
        // Gradients in the weights are sums over the pixels: of that size.
        const double size =
            std::max(expected[i].abs().max().item<double>(), 1.0);
        EXPECT_THAT(ours[i], TensorNear(expected[i], kTolerance * size)) << i;
      }
    }
  }
}

TEST_F(FoldConvolutionTest, ServesOneOutputOfALargeKernelInTraining) {
  const Tensor image = torch::zeros({1, 4, 8, 8});
  const auto serves = [&](int64_t out, int64_t kernel) {
    return FoldConvolutionServes(image, torch::zeros({out, 4, kernel, kernel}));
  };
  EXPECT_TRUE(serves(1, 7));
  EXPECT_FALSE(serves(2, 7));
  EXPECT_FALSE(serves(1, 3));
  const c10::NoGradGuard no_grad;
  EXPECT_FALSE(serves(1, 7));
}

}  // namespace
}  // namespace networks::cpu
