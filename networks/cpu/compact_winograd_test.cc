#include "networks/cpu/compact_winograd.h"

#include <ATen/Parallel.h>
#include <torch/types.h>

#include "gtest/gtest.h"
#include "networks/cpu/convolution_cases.h"
#include "networks/cpu/kernels.h"
#include "networks/cpu/pixels.h"
#include "networks/cpu/winograd.h"
#include "networks/testing/fill.h"

namespace networks::cpu {
namespace {

using test_util::FillSigned;
using test_util::FillUniform;
using torch::Tensor;

class CompactWinogradTest : public KernelsTest {
 protected:
  // The same bits as Winograd's, on one to three threads.
  void ExpectWinogradsBits(const ConvolutionInput& input,
                           const Tensor& residual = {}) {
    const Tensor expected =
        Winograd(kernels(), weight_).Apply(input, bias_, residual);
    const CompactWinograd compact(kernels(), weight_);
    const int threads = at::get_num_threads();
    for (const int used : {1, 2, 3}) {
      at::set_num_threads(used);
      EXPECT_TRUE(torch::equal(compact.Apply(input, bias_, residual), expected))
          << used << " threads";
    }
    at::set_num_threads(threads);
  }
};
INSTANTIATE_TEST_SUITE_P(
    All, CompactWinogradTest,
    ::testing::Combine(::testing::ValuesIn(AllInstructionSets()),
                       ::testing::ValuesIn(AllShapes())),
    CaseName<CompactWinogradTest::ParamType>);

TEST_P(CompactWinogradTest, HasTheBitsOfWinograd) {
  ExpectWinogradsBits({image_});
}

TEST_P(CompactWinogradTest, ActivatesItsInputAndAddsTheResidual) {
  const ChannelAffine affine = {
      FillUniform("scale", {shape().batch, shape().in}),
      FillSigned("shift", {shape().batch, shape().in})};
  ExpectWinogradsBits({image_, affine},
                      FillSigned("residual", {shape().batch, shape().out,
                                              shape().height, shape().width}));
}

TEST_P(CompactWinogradTest, UpsamplesItsInput) {
  ConvolutionInput input{image_};
  input.upsample = true;
  ExpectWinogradsBits(input);
}

TEST(CompactWinogradWorthwhile, ServesSmallImagesOfManyChannels) {
  EXPECT_TRUE(CompactWinograd::Worthwhile(512, 512, 32, 32));
  EXPECT_TRUE(CompactWinograd::Worthwhile(256, 256, 16, 16));
  EXPECT_FALSE(CompactWinograd::Worthwhile(512, 512, 64, 64));
  EXPECT_FALSE(CompactWinograd::Worthwhile(64, 64, 32, 32));
}

}  // namespace
}  // namespace networks::cpu
