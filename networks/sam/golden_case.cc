#include "networks/sam/golden_case.h"

#include <torch/types.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gtest/gtest.h"
#include "networks/sam/image_encoder.h"
#include "networks/sam/sam.h"
#include "networks/testing/fill.h"

namespace networks::sam {

using test_util::FillSigned;
using test_util::Golden;
using torch::Tensor;

namespace {

// Two correct float32 programs differ by 5e-6 at values around 1 (the golden
// file's f32_vs_f64).
constexpr double kTolerance = 1e-4;

void ExpectGolden(const Golden& golden, const std::string& name,
                  const Tensor& actual) {
  EXPECT_TRUE(golden.Matches(name, actual.detach(), kTolerance));
}

class Comparison {
 public:
  Comparison(const Golden& golden, const GoldenCase& golden_case)
      : golden_(golden),
        image_size_(golden_case.options.image_encoder.image_size),
        last_block_(golden_case.options.image_encoder.depth - 1),
        sam_(golden_case.options) {
    test_util::FillModule("sam/", *sam_);
    for (Tensor parameter : sam_->parameters()) {
      parameter.requires_grad_(false);
    }
  }

  void CompareAll() {
    const Tensor image =
        2 * FillSigned("input/sam", {1, 3, image_size_, image_size_});
    auto* const encoder = sam_->image_encoder->as<ImageEncoder>();
    Expect("block0_out", encoder->BlockOutput(image, 0));
    Expect(absl::StrCat("block", last_block_, "_out"),
           encoder->BlockOutput(image, last_block_));
    embedding_ = sam_->image_encoder->forward(image);
    Expect("image_embedding", embedding_);
    Expect("dense_pe", sam_->prompt_encoder->MapPositions(map_size()));
    ComparePrompts("each", golden_.tensor("points"), golden_.tensor("labels"));
    ComparePrompts("joint", golden_.tensor("points_joint"),
                   golden_.tensor("labels_joint"));
  }

 private:
  int64_t map_size() const { return embedding_.size(3); }

  void Expect(const std::string& name, const Tensor& actual) {
    ExpectGolden(golden_, name, actual);
  }

  void ComparePrompts(const std::string& tag, const Tensor& golden_points,
                      const Tensor& labels) {
    const DecodedMaps maps = ExpectPromptsEqualToOriginal(
        golden_, tag, sam_, image_size_, embedding_, golden_points, labels);
    Expect(tag + ".dense_embeddings", maps.prompts);
    Expect(tag + ".src_out", maps.decoder);
  }

  const Golden& golden_;
  int64_t image_size_;
  int64_t last_block_;
  Sam sam_;
  Tensor embedding_;
};

SamOptions PaddedWindowsOptions() {
  SamOptions options = *SamByName("tiny");
  options.image_encoder.image_size = 96;
  options.image_encoder.depth = 2;
  options.image_encoder.window_size = 5;  // does not divide the map of 6 x 6
  options.image_encoder.global_blocks = {1};
  return options;
}

}  // namespace

GoldenCase TinyCase() {
  return {"networks/sam/testdata/sam_tiny.safetensors", *SamByName("tiny")};
}

GoldenCase PaddedWindowsCase() {
  return {"networks/sam/testdata/sam_tiny_win_pad.safetensors",
          PaddedWindowsOptions()};
}

GoldenCase VitBCase() {
  return {"networks/sam/testdata/sam_vit_b.safetensors", *SamByName("vit_b")};
}

std::vector<std::string> PublishedKeys(const Golden& golden) {
  return absl::StrSplit(golden.metadata("state_dict_keys"), ' ');
}

DecodedMaps ExpectPromptsEqualToOriginal(const Golden& golden,
                                         const std::string& tag, Sam& sam,
                                         int64_t image_size,
                                         const Tensor& embedding,
                                         const Tensor& golden_points,
                                         const Tensor& labels) {
  const auto expect = [&](const std::string& name, const Tensor& actual) {
    ExpectGolden(golden, absl::StrCat(tag, ".", name), actual);
  };
  const int64_t map_size = embedding.size(-1);
  const Tensor points = golden_points.clone().requires_grad_();
  const PromptEmbeddings prompts = sam->prompt_encoder->forward(
      {points, labels, {}, {}}, image_size, map_size);
  expect("sparse_embeddings", prompts.tokens);

  const Tensor positions = sam->prompt_encoder->MapPositions(map_size);
  const auto [tokens, map] =
      sam->mask_decoder->Transform(embedding, positions, prompts);
  expect("tokens_out", tokens);

  const Masks masks = sam->mask_decoder->forward(embedding, positions, prompts);
  const Masks alternatives = Alternatives(masks);
  expect("low_res_masks_multi", alternatives.logits);
  expect("iou_multi", alternatives.ious);
  expect("low_res_mask_single", Unambiguous(masks).logits);
  expect("iou_single", Unambiguous(masks).ious);

  const auto cotangent = [&](const std::string& name, const Tensor& like) {
    return FillSigned(absl::StrCat("cot/", name, "_", tag, "."), like.sizes());
  };
  ((tokens * cotangent("tok", tokens)).sum() +
   (alternatives.logits * cotangent("mask", alternatives.logits)).mean())
      .backward();
  expect("grad_points", points.grad());
  return {prompts.map, map};
}

void ExpectEqualToOriginal(const GoldenCase& golden_case) {
  const auto golden = Golden::Load(golden_case.path);
  ASSERT_TRUE(golden.ok()) << golden.status();
  Comparison(*golden, golden_case).CompareAll();
}

}  // namespace networks::sam
