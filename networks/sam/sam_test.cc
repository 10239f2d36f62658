// SAM as a whole: laws, then agreement with the original on a
// tiny network, on one whose windows do not divide the map, and (in
// sam_vit_b_test) on the real ViT-B.
#include "networks/sam/sam.h"

#include <torch/types.h>
#include <torch/utils.h>

#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "networks/sam/golden_case.h"
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
