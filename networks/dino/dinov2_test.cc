// DINOv2, with and without registers: agreement with the original, and its
// published files.
#include <torch/types.h>
#include <torch/utils.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/dino/dino_of_weights.h"
#include "networks/dino/heads.h"
#include "networks/dino/shift.h"
#include "networks/dino/vision_transformer.h"
#include "networks/testing/devices.h"
#include "networks/testing/fill.h"
#include "networks/testing/golden.h"
#include "networks/testing/tensor_near.h"
#include "networks/weights/key_map.h"
#include "networks/weights/load.h"
#include "networks/weights/pytorch_writer.h"
#include "networks/weights/read.h"
#include "third_party/absl/status_matchers.h"

namespace networks::dino {
namespace {

using test_util::FillSigned;
using test_util::Golden;
using torch::Tensor;

// Two correct float32 programs differ by up to 1e-5 here (the golden files'
// f32_vs_f64), at values around 1.
constexpr double kTolerance = 1e-4;

// The small network of the golden files, or a published one.
VisionTransformerOptions OptionsOf(const std::string& model) {
  VisionTransformerOptions small = {56, 14, 48, 3, 3, true};
  if (model == "small") return small;
  if (model != "small_reg") return *VisionTransformerByName(model);
  small.registers = 4;
  small.position_resizing = PositionResizing::kAntialiased;
  return small;
}

VisionTransformer Filled(const std::string& model) {
  VisionTransformer network(OptionsOf(model));
  test_util::FillModule("dino/", *network);
  network->eval();
  return network;
}

Golden GoldenOf(const std::string& model) {
  return test_util::LoadGolden(
      absl::StrCat("networks/dino/testdata/dinov2_", model, ".safetensors"));
}

Tensor Input(const std::string& name, int64_t height, int64_t width) {
  return 2 * FillSigned(absl::StrCat("input/", name, "_", height, "x", width),
                        {1, 3, height, width});
}

struct GoldenCase {
  std::string model;
  int64_t height, width;
};

class DinoV2GoldenTest : public ::testing::TestWithParam<GoldenCase> {};

TEST_P(DinoV2GoldenTest, EqualsTheOriginal) {
  torch::NoGradGuard no_grad;
  const auto& [model, height, width] = GetParam();
  VisionTransformer network = Filled(model);
  const Golden golden = GoldenOf(model);
  const Tensor image = Input("dino", height, width);
  const std::vector<Tensor> features = network->Extract(
      image,
      {{-1, Feature::kKeys}, {0, Feature::kOutput}, {-1, Feature::kOutput}});
  const auto expect = [&, h = height, w = width](const std::string& name,
                                                 const Tensor& actual) {
    EXPECT_TRUE(
        golden.Matches(absl::StrCat(h, "x", w, ".", name), actual, kTolerance));
  };
  const Tensor keys = ConcatenateHeads(features[0]);
  expect("pos_embed_used", network->PositionEmbedding(height, width));
  expect("keys", keys);
  expect("self_sim", SelfSimilarity(keys));
  expect("block0_out", features[1]);
  expect("block_last_out", features[2]);
  expect("cls", network->forward(image));
}

INSTANTIATE_TEST_SUITE_P(Published, DinoV2GoldenTest,
                         ::testing::Values(GoldenCase{"vits14", 224, 224},
                                           GoldenCase{"vits14", 154, 238},
                                           GoldenCase{"vits14_reg", 224, 224},
                                           GoldenCase{"vits14_reg", 154, 238},
                                           GoldenCase{"vitb14", 112, 140},
                                           GoldenCase{"vitb14_reg", 112, 140}));

// The loss is the mean squared difference of the self-similarities of the last
// layer's keys of two images.
class DinoV2GradientTest : public ::testing::TestWithParam<GoldenCase> {};

TEST_P(DinoV2GradientTest, EqualsTheOriginals) {
  const auto& [model, height, width] = GetParam();
  VisionTransformer network = Filled(model);
  const Golden golden = GoldenOf(model);
  const Tensor image = Input("dino", height, width).requires_grad_();
  const auto similarity = [&](const Tensor& of) {
    return SelfSimilarity(
        ConcatenateHeads(network->Extract(of, {-1, Feature::kKeys})));
  };
  const Tensor loss = torch::mse_loss(
      similarity(image), similarity(Input("dinoB", height, width)).detach());
  loss.backward();
  const std::string size = absl::StrCat(height, "x", width);
  EXPECT_TRUE(golden.Matches(size + ".mse_to_B", loss.detach().reshape({1}),
                             kTolerance));
  EXPECT_TRUE(golden.Matches(size + ".grad_input", image.grad(), kTolerance));
}

INSTANTIATE_TEST_SUITE_P(Small, DinoV2GradientTest,
                         ::testing::Values(GoldenCase{"small", 56, 56},
                                           GoldenCase{"small", 42, 70},
                                           GoldenCase{"small_reg", 56, 56},
                                           GoldenCase{"small_reg", 42, 70}));
INSTANTIATE_TEST_SUITE_P(Small, DinoV2GoldenTest,
                         ::testing::Values(GoldenCase{"small", 56, 56},
                                           GoldenCase{"small", 42, 70},
                                           GoldenCase{"small_reg", 56, 56},
                                           GoldenCase{"small_reg", 42, 70}));

TEST(DinoV2, LeavesOutWhatFillsNoPatch) {
  torch::NoGradGuard no_grad;
  VisionTransformer network = Filled("small_reg");
  const Tensor image = Input("dino", 61, 83);
  EXPECT_TRUE(
      torch::equal(network->forward(image),
                   network->forward(image.slice(2, 0, 56).slice(3, 0, 70))));
}

class DinoV2DeviceTest : public test_util::DeviceTest {};

INSTANTIATE_ON_DEVICES(DinoV2DeviceTest);

TEST_P(DinoV2DeviceTest, SeesShiftedImagesAsOnTheCpu) {
  VisionTransformer network = Filled("small_reg");
  for (Tensor parameter : network->parameters()) {
    parameter.requires_grad_(false);
  }
  const Tensor shifts = torch::tensor({{3, -2}});
  const auto run = [&](torch::Device device) {
    network->to(device);
    const Tensor image =
        Input("dino", 42, 70).to(device).detach().requires_grad_();
    const Tensor keys =
        network->Extract(Shift(image, shifts), FeatureRequest());
    keys.square().sum().backward();
    return std::pair(keys.detach().cpu(), image.grad().cpu());
  };
  const auto expected = run(torch::kCPU);
  const auto actual = run(device());
  EXPECT_THAT(actual.first, test_util::TensorNear(expected.first, 1e-4));
  // Gradients are of size 10.
  EXPECT_THAT(actual.second, test_util::TensorNear(expected.second, 1e-3));
}

class PublishedDinoV2 : public ::testing::TestWithParam<std::string> {};

INSTANTIATE_TEST_SUITE_P(Models, PublishedDinoV2,
                         ::testing::Values("vits14", "vits14_reg", "vitb14",
                                           "vitb14_reg"));

// All but the mask token, which only training uses.
TEST_P(PublishedDinoV2, HasTheNamesAndShapesOfTheNetwork) {
  std::map<std::string, std::vector<int64_t>> shapes;
  const VisionTransformer network(OptionsOf(GetParam()));
  for (const auto& [key, tensor] : weights::StateDict(*network)) {
    shapes[key] = tensor.sizes().vec();
  }
  auto published = GoldenOf(GetParam()).published_shapes();
  EXPECT_EQ(published.erase("mask_token"), 1u);
  EXPECT_EQ(shapes, published);
}

TEST(DinoV2, LoadsFromAPublishedFile) {
  weights::TensorMap tensors;
  for (const auto& [key, shape] : GoldenOf("vits14_reg").published_shapes()) {
    tensors[key] = key == "mask_token"
                       ? torch::zeros(shape)
                       : test_util::FillValue("dino/", key, shape);
  }
  const std::string path =
      ::testing::TempDir() + "/dinov2_vits14_reg4_pretrain.pth";
  ASSERT_THAT(weights::WritePytorch(path, tensors), IsOk());
  VisionTransformer network(OptionsOf("vits14_reg"));
  weights::LoadOptions options;
  options.key_map = weights::DinoBackbone();
  ASSERT_THAT(weights::LoadFile(*network, path, options), IsOk());
  torch::NoGradGuard no_grad;
  EXPECT_TRUE(GoldenOf("vits14_reg")
                  .Matches("154x238.cls",
                           network->forward(Input("dino", 154, 238)),
                           kTolerance));
}

TEST(ModelOfWeights, TellsThePublishedNetworksApart) {
  for (const std::string& model : VisionTransformerNames()) {
    if (absl::StartsWith(model, "vitb")) continue;  // the same, but larger
    const VisionTransformer network(OptionsOf(model));
    EXPECT_EQ(ModelOfWeights(weights::StateDict(*network)), model);
  }
  EXPECT_EQ(ModelOfWeights({}), "");
  EXPECT_EQ(ModelOfWeights({{"pos_embed", torch::zeros({1, 64, 64, 768})},
                            {"patch_embed.proj.weight", torch::zeros({2})}}),
            "");
}

}  // namespace
}  // namespace networks::dino
