#include "networks/sam/mask_decoder.h"

#include <torch/types.h>
#include <torch/utils.h>

#include <vector>

#include "gtest/gtest.h"
#include "networks/sam/options.h"
#include "networks/sam/prompt_encoder.h"
#include "networks/testing/fill.h"
#include "networks/testing/tensor_near.h"

namespace networks::sam {
namespace {

using test_util::FillSigned;
using test_util::TensorNear;
using torch::Tensor;

constexpr int64_t kChannels = 32, kSide = 6;

MaskDecoder Filled(int64_t multimask_outputs = 3) {
  MaskDecoderOptions options;
  options.channels = kChannels;
  options.transformer_hidden_channels = 48;
  options.multimask_outputs = multimask_outputs;
  options.iou_hidden_channels = 16;
  MaskDecoder decoder(options);
  test_util::FillModule("decoder/", *decoder);
  return decoder;
}

class MaskDecoderTest : public ::testing::Test {
 protected:
  const torch::NoGradGuard no_grad_;
  const Tensor embedding_ =
      FillSigned("embedding", {1, kChannels, kSide, kSide});
  const Tensor positions_ =
      FillSigned("positions", {1, kChannels, kSide, kSide});
  // Two prompts of three tokens each.
  const PromptEmbeddings prompts_ = {
      FillSigned("tokens", {2, 3, kChannels}),
      FillSigned("map", {1, kChannels, kSide, kSide})};
};

TEST_F(MaskDecoderTest, MakesTheUnambiguousMaskAndTheAlternatives) {
  for (const int64_t alternatives : {1, 3}) {
    MaskDecoder decoder = Filled(alternatives);
    const Masks all = decoder(embedding_, positions_, prompts_);
    EXPECT_EQ(all.logits.sizes(), (std::vector<int64_t>{2, 1 + alternatives,
                                                        4 * kSide, 4 * kSide}));
    EXPECT_EQ(all.ious.sizes(), (std::vector<int64_t>{2, 1 + alternatives}));
    const Masks one = Unambiguous(all), others = Alternatives(all);
    EXPECT_EQ(one.logits.size(1), 1);
    EXPECT_TRUE(
        torch::equal(torch::cat({one.logits, others.logits}, 1), all.logits));
    EXPECT_TRUE(torch::equal(torch::cat({one.ious, others.ious}, 1), all.ious));
  }
}

TEST_F(MaskDecoderTest, PutsTheTokensOfPromptsBehindItsOwn) {
  MaskDecoder decoder = Filled();
  EXPECT_EQ(decoder->first_prompt_token(), 5);  // IoU, four masks
  const TokensAndMap out = decoder->Transform(embedding_, positions_, prompts_);
  EXPECT_EQ(out.tokens.sizes(), (std::vector<int64_t>{2, 5 + 3, kChannels}));
  EXPECT_EQ(out.map.sizes(),
            (std::vector<int64_t>{2, kSide * kSide, kChannels}));
}

TEST_F(MaskDecoderTest, TreatsEachPromptForItself) {
  MaskDecoder decoder = Filled();
  const Masks together = decoder(embedding_, positions_, prompts_);
  for (int64_t i = 0; i < 2; ++i) {
    const Masks alone = decoder(
        embedding_, positions_,
        PromptEmbeddings{prompts_.tokens.slice(0, i, i + 1), prompts_.map});
    EXPECT_THAT(alone.logits[0], TensorNear(together.logits[i], 1e-4));
    EXPECT_THAT(alone.ious[0], TensorNear(together.ious[i], 1e-4));
  }
}

// A mask is a linear classifier of pixels, whose weights come from its token.
TEST_F(MaskDecoderTest, ClassifiesPixelsByTheMasksToken) {
  MaskDecoder decoder = Filled();
  const Masks before = decoder(embedding_, positions_, prompts_);
  // Another last layer for the second mask alone: twice its weights.
  for (const char* name : {"output_hypernetworks_mlps.1.layers.2.weight",
                           "output_hypernetworks_mlps.1.layers.2.bias"}) {
    Tensor* const parameter = decoder->named_parameters().find(name);
    ASSERT_NE(parameter, nullptr) << name;
    parameter->mul_(2);
  }
  const Masks after = decoder(embedding_, positions_, prompts_);
  for (int64_t mask = 0; mask < 4; ++mask) {
    const double factor = mask == 1 ? 2 : 1;
    EXPECT_TRUE(torch::equal(after.logits.select(1, mask),
                             factor * before.logits.select(1, mask)))
        << mask;
  }
  EXPECT_TRUE(torch::equal(after.ious, before.ious));
}

TEST_F(MaskDecoderTest, TakesTheEmbeddingOfOneImage) {
  MaskDecoder decoder = Filled();
  EXPECT_THROW(
      decoder(embedding_.expand({2, -1, -1, -1}), positions_, prompts_),
      c10::Error);
}

}  // namespace
}  // namespace networks::sam
