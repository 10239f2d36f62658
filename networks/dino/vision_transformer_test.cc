#include "networks/dino/vision_transformer.h"

#include <torch/types.h>
#include <torch/utils.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "networks/dino/heads.h"
#include "networks/recompute.h"
#include "networks/testing/fill.h"
#include "networks/testing/golden.h"
#include "networks/testing/graph.h"
#include "networks/testing/tensor_near.h"
#include "third_party/absl/status_matchers.h"

namespace networks::dino {
namespace {

using test_util::FillModule;
using test_util::FillSigned;
using test_util::Golden;
using test_util::TensorNear;
using torch::Tensor;

// Two correct float32 programs differ by up to 1.1e-5 here (the golden file's
// f32_vs_f64, at values around 1), ours by 2e-5 at most.
constexpr double kGoldenTolerance = 1e-4;

VisionTransformer Filled(const std::string& model) {
  VisionTransformer network(*VisionTransformerByName(model));
  FillModule("dino/", *network);
  network->eval();
  return network;
}

Golden LoadGolden(const std::string& model) {
  return *Golden::Load(
      absl::StrCat("networks/dino/testdata/dino_", model, ".safetensors"));
}

Tensor GoldenInput(int64_t height, int64_t width) {
  return 2 * FillSigned(absl::StrCat("input/dino_", height, "x", width),
                        {1, 3, height, width});
}

TEST(VisionTransformer, KnowsItsModelsByName) {
  EXPECT_THAT(VisionTransformerByName("vitx9"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       ::testing::HasSubstr("vits16")));
  EXPECT_EQ(VisionTransformerByName("vitb8")->channels, 768);
}

TEST(VisionTransformer, HasThePublishedKeys) {
  const VisionTransformer network(*VisionTransformerByName("tiny"));
  std::string keys;
  for (const auto& parameter : network->named_parameters()) {
    absl::StrAppend(&keys, keys.empty() ? "" : " ", parameter.key());
  }
  EXPECT_EQ(keys, LoadGolden("small").metadata("state_dict_keys"));
}

TEST(VisionTransformer, GivesTheSameWhereItRecomputes) {
  VisionTransformer network = Filled("tiny");
  const std::vector<FeatureRequest> requests = {{0, Feature::kKeys},
                                                {-1, Feature::kKeys}};
  std::vector<Tensor> gradients;
  for (const bool recompute : {false, true}) {
    const RecomputeScope scope(recompute);
    const Tensor images = FillSigned("images", {2, 3, 40, 56}).requires_grad_();
    const std::vector<Tensor> features = network->Extract(images, requests);
    // A part for each block.
    EXPECT_EQ(test_util::CountNodes(features[1], "RecomputedFunction"),
              recompute ? 3 : 0);
    (features[0].square().sum() + features[1].square().sum()).backward();
    gradients.push_back(images.grad());
  }
  EXPECT_TRUE(torch::equal(gradients[0], gradients[1]));
}

TEST(VisionTransformer, TreatsEachImageForItself) {
  torch::NoGradGuard no_grad;
  VisionTransformer network = Filled("tiny");
  const Tensor images = FillSigned("images", {3, 3, 40, 56});
  const Tensor together = network->forward(images);
  for (int64_t i = 0; i < 3; ++i) {
    // Matrix products of another size may sum in another order.
    EXPECT_THAT(network->forward(images.slice(0, i, i + 1)),
                TensorNear(together.slice(0, i, i + 1), 1e-5));
  }
}

TEST(VisionTransformer, LeavesOutWhatFillsNoPatch) {
  torch::NoGradGuard no_grad;
  VisionTransformer network = Filled("tiny");
  const Tensor image = FillSigned("image", {1, 3, 47, 55});
  EXPECT_TRUE(
      torch::equal(network->forward(image),
                   network->forward(image.slice(2, 0, 40).slice(3, 0, 48))));
}

// One pass for several layers gives what a pass for each gives, and the block
// output is consistent with the attention and the values.
TEST(VisionTransformer, ExtractsAnyFeatureOfAnyLayer) {
  torch::NoGradGuard no_grad;
  VisionTransformer network = Filled("tiny");
  const Tensor image = FillSigned("image", {2, 3, 32, 24});
  const std::vector<FeatureRequest> requests = {
      {2, Feature::kKeys},     {0, Feature::kOutput}, {1, Feature::kAttention},
      {-2, Feature::kQueries}, {1, Feature::kKeys},   {1, Feature::kValues},
      {-1, Feature::kOutput}};
  const std::vector<Tensor> features = network->Extract(image, requests);
  for (size_t i = 0; i < requests.size(); ++i) {
    EXPECT_TRUE(torch::equal(features[i], network->Extract(image, requests[i])))
        << "request " << i;
  }
  const int64_t tokens = 1 + 4 * 3;
  EXPECT_EQ(features[0].sizes(), (std::vector<int64_t>{2, 3, tokens, 16}));
  EXPECT_EQ(features[1].sizes(), (std::vector<int64_t>{2, tokens, 48}));
  EXPECT_EQ(features[2].sizes(), (std::vector<int64_t>{2, 3, tokens, tokens}));
  // softmax(q k^T / sqrt(d)), d = 16.
  EXPECT_THAT(
      features[2],
      TensorNear((torch::matmul(features[3], features[4].transpose(2, 3)) / 4)
                     .softmax(-1),
                 1e-6));
}

TEST(VisionTransformer, RefusesALayerThatItDoesNotHave) {
  VisionTransformer network(*VisionTransformerByName("tiny"));
  const Tensor image = torch::zeros({1, 3, 16, 16});
  EXPECT_THROW(network->Extract(image, {3, Feature::kKeys}), c10::Error);
  EXPECT_THROW(network->Extract(image, {-4, Feature::kKeys}), c10::Error);
}

TEST(VisionTransformer, RefusesAnImageSmallerThanAPatch) {
  VisionTransformer network(*VisionTransformerByName("tiny"));
  EXPECT_THROW(network->forward(torch::zeros({1, 3, 7, 16})), c10::Error);
}

struct GoldenCase {
  std::string model;
  int64_t height, width;
};

class VisionTransformerGoldenTest
    : public ::testing::TestWithParam<GoldenCase> {};

TEST_P(VisionTransformerGoldenTest, EqualsTheOriginal) {
  torch::NoGradGuard no_grad;
  const std::string& model = GetParam().model;
  const int64_t height = GetParam().height, width = GetParam().width;
  VisionTransformer network = Filled(model);
  const Golden golden = LoadGolden(model);
  const std::vector<Tensor> features = network->Extract(
      GoldenInput(height, width),
      {{11, Feature::kKeys}, {0, Feature::kOutput}, {11, Feature::kOutput}});
  const auto expect = [&](const std::string& name, const Tensor& actual) {
    EXPECT_TRUE(golden.Matches(absl::StrCat(height, "x", width, ".", name),
                               actual, kGoldenTolerance));
  };
  expect("pos_embed_used", network->PositionEmbedding(height, width));
  expect("keys", features[0].squeeze(0));
  expect("self_sim", SelfSimilarity(ConcatenateHeads(features[0])));
  expect("block0_out", features[1]);
  expect("block11_out", features[2]);
  expect("cls", network->forward(GoldenInput(height, width)));
}

INSTANTIATE_TEST_SUITE_P(Published, VisionTransformerGoldenTest,
                         ::testing::Values(GoldenCase{"vits16", 224, 224},
                                           GoldenCase{"vits16", 160, 240},
                                           GoldenCase{"vits8", 120, 176},
                                           GoldenCase{"vitb8", 104, 136}));

// The loss is the mean squared difference of the self-similarities of the last
// layer's keys of two images.
class DinoSmallGoldenTest
    : public ::testing::TestWithParam<std::pair<int64_t, int64_t>> {};

INSTANTIATE_TEST_SUITE_P(Sizes, DinoSmallGoldenTest,
                         ::testing::Values(std::pair{64, 64}, std::pair{40, 72},
                                           std::pair{64, 56}));

TEST_P(DinoSmallGoldenTest, HasTheOriginalsGradients) {
  const auto [height, width] = GetParam();
  const std::string size = absl::StrCat(height, "x", width);
  VisionTransformer network = Filled("tiny");
  const Golden golden = LoadGolden("small");
  const Tensor image = GoldenInput(height, width).requires_grad_();
  const Tensor other =
      2 * FillSigned(absl::StrCat("input/dinoB_", size), {1, 3, height, width});
  const auto keys = [&](const Tensor& of) {
    return ConcatenateHeads(network->Extract(of, {-1, Feature::kKeys}));
  };
  const Tensor loss = torch::mse_loss(SelfSimilarity(keys(image)),
                                      SelfSimilarity(keys(other)).detach());
  loss.backward();
  const Tensor position_gradient =
      network->named_parameters()["pos_embed"].grad();
  const auto matches = [&](const std::string& name, const Tensor& actual) {
    return golden.Matches(size + name, actual.detach(), kGoldenTolerance);
  };
  EXPECT_TRUE(matches(".keys", keys(image).squeeze(0)));
  EXPECT_TRUE(matches(".self_sim", SelfSimilarity(keys(image))));
  EXPECT_TRUE(matches(".cls", network->forward(image)));
  EXPECT_TRUE(matches(".mse_to_B", loss.reshape({1})));
  EXPECT_TRUE(matches(".grad_input", image.grad()));
  EXPECT_TRUE(
      matches(".grad_pos_embed_l2", position_gradient.norm().reshape({1})));
}

}  // namespace
}  // namespace networks::dino
