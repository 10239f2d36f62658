// The parts of SAM and the whole: laws, then agreement with the original on a
// tiny network, on one whose windows do not divide the map, and (in
// sam_vit_b_test) on the real ViT-B.
#include "networks/sam/sam.h"

#include <torch/torch.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "networks/sam/encoder_block.h"
#include "networks/sam/golden_case.h"
#include "networks/sam/windows.h"
#include "networks/testing/fill.h"
#include "networks/testing/golden.h"
#include "networks/testing/tensor_near.h"
#include "third_party/absl/status_matchers.h"

namespace networks::sam {
namespace {

using test_util::FillModule;
using test_util::FillSigned;
using test_util::FillUniform;
using test_util::Golden;
using test_util::TensorNear;
using torch::Tensor;

constexpr int64_t kImageSize = 128;

Sam FilledTiny() {
  Sam sam(*SamByName("tiny"));
  FillModule("sam/", *sam);
  return sam;
}

Prompts OnePointEach(const Tensor& points) {
  Prompts prompts;
  prompts.points = points.unsqueeze(1);
  prompts.labels = torch::full({points.size(0), 1}, kForegroundPoint);
  return prompts;
}

TEST(Sam, KnowsItsModelsByName) {
  EXPECT_EQ(SamByName("vit_h")->image_encoder.depth, 32);
  EXPECT_THAT(SamByName("vit_x"), StatusIs(absl::StatusCode::kInvalidArgument,
                                           ::testing::HasSubstr("vit_b")));
}

TEST(Windows, JoinToTheMapThatWasSplit) {
  for (const auto& [height, width] : {std::pair{8, 8}, {7, 10}, {3, 4}}) {
    const Tensor map = FillSigned("map", {2, height, width, 3});
    const Tensor windows = SplitIntoWindows(map, 4);
    EXPECT_EQ(windows.size(1), 4);
    EXPECT_TRUE(torch::equal(JoinWindows(windows, height, width), map));
  }
}

TEST(Windows, AreNumberedRowByRowAndFilledWithZeros) {
  const Tensor map = FillSigned("map", {1, 5, 7, 2});
  const Tensor windows = SplitIntoWindows(map, 4);
  EXPECT_EQ(windows.size(0), 4);
  EXPECT_TRUE(torch::equal(windows[1].slice(1, 0, 3),
                           map[0].slice(0, 0, 4).slice(1, 4)));
  EXPECT_EQ(windows[3].slice(0, 1).abs().sum().item<float>(), 0);
}

TEST(RelativePositions, AreTheRowsOfQueryMinusKey) {
  const Tensor table = FillSigned("table", {7, 2});  // -3 .. 3
  const Tensor positions = RelativePositions(table, 4);
  for (int64_t q = 0; q < 4; ++q) {
    for (int64_t k = 0; k < 4; ++k) {
      EXPECT_TRUE(torch::equal(positions[q][k], table[q - k + 3]));
    }
  }
  EXPECT_EQ(RelativePositions(table, 6).sizes(),
            (std::vector<int64_t>{6, 6, 2}));
}

TEST(PromptEncoder, NeedsAPrompt) {
  Sam sam = FilledTiny();
  EXPECT_THROW(sam->prompt_encoder->forward({}, kImageSize, 8), c10::Error);
}

// A point's token is the encoding of its place plus what its label means; its
// place says nothing if it is no point.
TEST(PromptEncoder, IgnoresThePlaceOfNoPoint) {
  torch::NoGradGuard no_grad;
  Sam sam = FilledTiny();
  Prompts prompts;
  prompts.points = torch::tensor({{{3.f, 5.f}, {90.f, 17.f}}});
  prompts.labels = torch::tensor({{kNoPoint, kNoPoint}}, torch::kInt64);
  const Tensor tokens =
      sam->prompt_encoder->forward(prompts, kImageSize, 8).tokens;
  EXPECT_TRUE(torch::equal(tokens.select(1, 0), tokens.select(1, 1)));
  EXPECT_TRUE(torch::equal(tokens.select(1, 0), tokens.select(1, 2)));
}

TEST(PromptEncoder, EncodesTheCentreOfACellAsTheMapDoes) {
  torch::NoGradGuard no_grad;
  Sam sam = FilledTiny();
  // Cell (row 2, column 5) of 16 x 16 pixels has its centre at 40, 88, which
  // in pixel indices, whose centres are at halves, is 39.5, 87.5.
  const Prompts prompts = OnePointEach(torch::tensor({{87.5f, 39.5f}}));
  const Tensor token =
      sam->prompt_encoder->forward(prompts, kImageSize, 8).tokens[0][0];
  const Tensor label =
      sam->named_parameters()["prompt_encoder.point_embeddings.1.weight"][0];
  const Tensor map = sam->prompt_encoder->MapPositions(8);
  using torch::indexing::Slice;
  EXPECT_THAT(token - label, TensorNear(map.index({0, Slice(), 2, 5}), 1e-5));
}

// The corners of a box are told apart, and a box takes the place of the
// meaningless token.
TEST(PromptEncoder, MakesTwoTokensOfABox) {
  torch::NoGradGuard no_grad;
  Sam sam = FilledTiny();
  Prompts prompts = OnePointEach(torch::tensor({{20.f, 30.f}}));
  prompts.boxes = torch::tensor({{20.f, 30.f, 20.f, 30.f}});
  const Tensor tokens =
      sam->prompt_encoder->forward(prompts, kImageSize, 8).tokens;
  EXPECT_EQ(tokens.sizes(), (std::vector<int64_t>{1, 3, 32}));
  const auto embedding = [&](int i) {
    return sam->named_parameters()[absl::StrCat(
        "prompt_encoder.point_embeddings.", i, ".weight")][0];
  };
  EXPECT_THAT(tokens[0][1] - tokens[0][0],
              TensorNear(embedding(2) - embedding(1), 1e-6));
  EXPECT_THAT(tokens[0][2] - tokens[0][0],
              TensorNear(embedding(3) - embedding(1), 1e-6));
}

TEST(Sam, SegmentsByMaskPromptsAlone) {
  torch::NoGradGuard no_grad;
  Sam sam = FilledTiny();
  const Tensor embedding = FillSigned("embedding", {1, 32, 8, 8});
  Prompts prompts;
  prompts.masks = FillSigned("masks", {3, 1, 32, 32});
  const Masks masks = sam->Segment(embedding, prompts, kImageSize);
  EXPECT_EQ(masks.logits.sizes(), (std::vector<int64_t>{3, 4, 32, 32}));
  EXPECT_EQ(masks.ious.sizes(), (std::vector<int64_t>{3, 4}));
  EXPECT_FALSE(torch::equal(masks.logits[0], masks.logits[1]));
}

// The decoder computes what prompts share only once; nothing else couples them.
TEST(Sam, TreatsEachPromptForItself) {
  torch::NoGradGuard no_grad;
  Sam sam = FilledTiny();
  const Tensor embedding = FillSigned("embedding", {1, 32, 8, 8});
  const Tensor points = FillUniform("points", {4, 2}) * kImageSize;
  const Tensor together =
      sam->PointFeatures(embedding, OnePointEach(points), kImageSize);
  for (int64_t i = 0; i < 4; ++i) {
    EXPECT_THAT(
        sam->PointFeatures(embedding, OnePointEach(points.slice(0, i, i + 1)),
                           kImageSize),
        TensorNear(together.slice(0, i, i + 1), 1e-5));
  }
}

TEST(ImageEncoder, TakesImagesOfOtherSizes) {
  torch::NoGradGuard no_grad;
  Sam sam = FilledTiny();
  const Tensor image = FillSigned("image", {1, 3, 80, 80});
  EXPECT_EQ(sam->image_encoder->forward(image).sizes(),
            (std::vector<int64_t>{1, 32, 5, 5}));
  EXPECT_THROW(sam->image_encoder->forward(image.slice(2, 0, 64)), c10::Error);
}

class SamGoldenTest : public ::testing::TestWithParam<GoldenCase> {};

INSTANTIATE_TEST_SUITE_P(Tiny, SamGoldenTest,
                         ::testing::Values(TinyCase(), PaddedWindowsCase()));

TEST_P(SamGoldenTest, HasThePublishedKeys) {
  const Sam sam(GetParam().options);
  std::vector<std::string> keys;
  for (const auto& tensor : sam->named_parameters()) {
    keys.push_back(tensor.key());
  }
  for (const auto& tensor : sam->named_buffers()) keys.push_back(tensor.key());
  EXPECT_THAT(keys, ::testing::UnorderedElementsAreArray(
                        PublishedKeys(*Golden::Load(GetParam().path))));
}

TEST_P(SamGoldenTest, EqualsTheOriginal) { ExpectEqualToOriginal(GetParam()); }

}  // namespace
}  // namespace networks::sam
