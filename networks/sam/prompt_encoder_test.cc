#include "networks/sam/prompt_encoder.h"

#include <torch/types.h>
#include <torch/utils.h>

#include <cstdint>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "networks/testing/bfloat16_autocast.h"
#include "networks/testing/fill.h"
#include "networks/testing/tensor_near.h"

namespace networks::sam {
namespace {

using test_util::TensorNear;
using torch::Tensor;

constexpr int64_t kImageSize = 128;

PromptEncoder Filled() {
  PromptEncoder encoder(/*channels=*/32);
  test_util::FillModule("encoder/", *encoder);
  return encoder;
}

Prompts OnePoint(float x, float y) {
  Prompts prompts;
  prompts.points = torch::tensor({{{x, y}}});
  prompts.labels = torch::full({1, 1}, kForegroundPoint);
  return prompts;
}

TEST(PromptEncoder, NeedsAPrompt) {
  PromptEncoder encoder = Filled();
  EXPECT_THROW(encoder->forward({}, kImageSize, 8), c10::Error);
}

// A point's token is the encoding of its place plus what its label means; its
// place says nothing if it is no point.
TEST(PromptEncoder, IgnoresThePlaceOfNoPoint) {
  torch::NoGradGuard no_grad;
  PromptEncoder encoder = Filled();
  Prompts prompts;
  prompts.points = torch::tensor({{{3.f, 5.f}, {90.f, 17.f}}});
  prompts.labels = torch::tensor({{kNoPoint, kNoPoint}}, torch::kInt64);
  const Tensor tokens = encoder->forward(prompts, kImageSize, 8).tokens;
  EXPECT_TRUE(torch::equal(tokens.select(1, 0), tokens.select(1, 1)));
  EXPECT_TRUE(torch::equal(tokens.select(1, 0), tokens.select(1, 2)));
}

TEST(PositionEncoding, HasAllDigitsUnderAutocast) {
  torch::NoGradGuard no_grad;
  PositionEncoding encoding(/*channels=*/32);
  const Tensor positions = test_util::FillUniform("positions", {7, 2});
  const Tensor expected = encoding(positions);
  const test_util::BFloat16Autocast autocast;
  EXPECT_TRUE(torch::equal(encoding(positions), expected));
}

TEST(PromptEncoder, EncodesTheCentreOfACellAsTheMapDoes) {
  torch::NoGradGuard no_grad;
  PromptEncoder encoder = Filled();
  // Cell (row 2, column 5) of 16 x 16 pixels has its centre at 40, 88, which
  // in pixel indices, whose centres are at halves, is 39.5, 87.5.
  const Prompts prompts = OnePoint(87.5f, 39.5f);
  const Tensor token = encoder->forward(prompts, kImageSize, 8).tokens[0][0];
  const Tensor label =
      encoder->named_parameters()["point_embeddings.1.weight"][0];
  const Tensor map = encoder->MapPositions(8);
  using torch::indexing::Slice;
  EXPECT_THAT(token - label, TensorNear(map.index({0, Slice(), 2, 5}), 1e-5));
}

// The corners of a box are told apart, and a box takes the place of the
// meaningless token.
TEST(PromptEncoder, MakesTwoTokensOfABox) {
  torch::NoGradGuard no_grad;
  PromptEncoder encoder = Filled();
  Prompts prompts = OnePoint(20, 30);
  prompts.boxes = torch::tensor({{20.f, 30.f, 20.f, 30.f}});
  const Tensor tokens = encoder->forward(prompts, kImageSize, 8).tokens;
  EXPECT_EQ(tokens.sizes(), (std::vector<int64_t>{1, 3, 32}));
  const auto embedding = [&](int i) {
    return encoder->named_parameters()[absl::StrCat("point_embeddings.", i,
                                                    ".weight")][0];
  };
  EXPECT_THAT(tokens[0][1] - tokens[0][0],
              TensorNear(embedding(2) - embedding(1), 1e-6));
  EXPECT_THAT(tokens[0][2] - tokens[0][0],
              TensorNear(embedding(3) - embedding(1), 1e-6));
}

// A token a point, one that means nothing, or two for a box; a map of its own
// only where masks are given.
TEST(PromptEncoder, MakesAsManyTokensAsItSays) {
  torch::NoGradGuard no_grad;
  PromptEncoder encoder = Filled();
  Prompts prompts;
  prompts.points = torch::rand({2, 3, 2}) * kImageSize;
  prompts.labels = torch::ones({2, 3}, torch::kInt64);
  const auto encode = [&] { return encoder->forward(prompts, kImageSize, 8); };
  EXPECT_EQ(encode().tokens.sizes(), (std::vector<int64_t>{2, 4, 32}));
  EXPECT_EQ(encode().map.sizes(), (std::vector<int64_t>{1, 32, 8, 8}));
  prompts.boxes = torch::rand({2, 4}) * kImageSize;
  EXPECT_EQ(encode().tokens.sizes(), (std::vector<int64_t>{2, 5, 32}));
  prompts.points = prompts.labels = Tensor();
  EXPECT_EQ(encode().tokens.sizes(), (std::vector<int64_t>{2, 2, 32}));
  prompts.masks = torch::rand({2, 1, 32, 32});
  EXPECT_EQ(encode().map.sizes(), (std::vector<int64_t>{2, 32, 8, 8}));
}

// Coordinates scale with the image.
TEST(PromptEncoder, KnowsPlacesAsSharesOfTheImage) {
  torch::NoGradGuard no_grad;
  PromptEncoder encoder = Filled();
  EXPECT_THAT(
      encoder->forward(OnePoint(39.5f, 87.5f), 128, 8).tokens,
      TensorNear(encoder->forward(OnePoint(79.5f, 175.5f), 256, 8).tokens,
                 1e-5));
}

}  // namespace
}  // namespace networks::sam
