// MobileSAM: laws of TinyViT's layers, agreement with the original, and its
// published file.
#include <torch/torch.h>

#include <map>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/sam/golden_case.h"
#include "networks/sam/sam.h"
#include "networks/sam/sam_of_weights.h"
#include "networks/sam/tiny_vit.h"
#include "networks/sam/tiny_vit_layers.h"
#include "networks/testing/devices.h"
#include "networks/testing/fill.h"
#include "networks/testing/golden.h"
#include "networks/testing/tensor_near.h"
#include "networks/weights/key_map.h"
#include "networks/weights/load.h"
#include "networks/weights/pytorch_writer.h"
#include "networks/weights/read.h"
#include "third_party/absl/status_matchers.h"

namespace networks::sam {
namespace {

using test_util::FillSigned;
using test_util::Golden;
using test_util::TensorNear;
using torch::Tensor;

// Two correct float32 programs differ by up to 6e-6 at values around 1 (the
// golden file's f32_vs_f64).
constexpr double kTolerance = 1e-4;

constexpr char kGoldenPath[] = "networks/sam/testdata/mobile_sam.safetensors";

Sam FilledMobile() {
  Sam sam(*SamByName("vit_t"));
  test_util::FillModule("sam/", *sam);
  for (Tensor parameter : sam->parameters()) parameter.requires_grad_(false);
  return sam;
}

// The tensors of the published file, by name: what the original's state dict
// has.
std::map<std::string, std::vector<int64_t>> PublishedShapes() {
  const Golden golden = test_util::LoadGolden(kGoldenPath);
  const std::vector<std::string> keys =
      absl::StrSplit(golden.metadata("state_dict_keys"), ' ');
  const std::vector<std::string> shapes =
      absl::StrSplit(golden.metadata("state_dict_shapes"), ';');
  std::map<std::string, std::vector<int64_t>> result;
  for (size_t i = 0; i < keys.size(); ++i) {
    std::vector<int64_t>& shape = result[keys[i]];
    for (const absl::string_view size :
         absl::StrSplit(shapes.at(i), ',', absl::SkipEmpty())) {
      shape.push_back(std::stoll(std::string(size)));
    }
  }
  return result;
}

TEST(ConvNorm, IsAConvolutionAndABatchNormThatDoesNotLearn) {
  torch::NoGradGuard no_grad;
  ConvNorm layer(4, 6, 3, 2, 2);
  test_util::FillModule("layer/", *layer);
  const Tensor map = FillSigned("map", {2, 5, 7, 4});
  const auto parts = layer->named_children();
  auto* const conv = parts["c"]->as<torch::nn::Conv2d>();
  auto* const norm = parts["bn"]->as<torch::nn::BatchNorm2d>();
  norm->eval();
  const Tensor expected =
      norm->forward(conv->forward(map.permute({0, 3, 1, 2})))
          .permute({0, 2, 3, 1});
  layer->train();
  EXPECT_EQ(expected.sizes(), (std::vector<int64_t>{2, 3, 4, 6}));
  // Sums of 18 products around 1.
  EXPECT_THAT(layer(map), TensorNear(expected, 1e-5));
}

TEST(WindowBiases, AreThoseOfTheDistanceAlongEachAxis) {
  const Tensor table = FillSigned("table", {2, 9});
  const Tensor biases = WindowBiases(table, 3);
  ASSERT_EQ(biases.sizes(), (std::vector<int64_t>{2, 9, 9}));
  for (int64_t p = 0; p < 9; ++p) {
    for (int64_t q = 0; q < 9; ++q) {
      const int64_t y = std::abs(p / 3 - q / 3), x = std::abs(p % 3 - q % 3);
      EXPECT_TRUE(torch::equal(biases.select(1, p).select(1, q),
                               table.select(1, 3 * y + x)));
    }
  }
}

TEST(TinyVit, TreatsEachImageForItself) {
  torch::NoGradGuard no_grad;
  Sam sam = FilledMobile();
  const Tensor images = FillSigned("images", {2, 3, 64, 64});
  const Tensor together = sam->image_encoder->forward(images);
  EXPECT_EQ(together.sizes(), (std::vector<int64_t>{2, 256, 4, 4}));
  for (int64_t i = 0; i < 2; ++i) {
    EXPECT_THAT(sam->image_encoder->forward(images.slice(0, i, i + 1)),
                TensorNear(together.slice(0, i, i + 1), 1e-4));
  }
}

TEST(TinyVit, TakesSquaresOfWholeCells) {
  TinyVit encoder((TinyVitOptions()));
  for (const auto& [height, width] : {std::pair{64, 80}, {72, 72}, {0, 0}}) {
    EXPECT_THROW(encoder->forward(torch::zeros({1, 3, height, width})),
                 c10::Error);
  }
}

class TinyVitDeviceTest : public test_util::DeviceTest {};

INSTANTIATE_ON_DEVICES(TinyVitDeviceTest);

TEST_P(TinyVitDeviceTest, EncodesAsOnTheCpu) {
  torch::NoGradGuard no_grad;
  Sam sam = FilledMobile();
  const Tensor image = FillSigned("image", {1, 3, 64, 64});
  const Tensor expected = sam->image_encoder->forward(image);
  sam->to(device());
  EXPECT_THAT(sam->image_encoder->forward(image.to(device())).cpu(),
              TensorNear(expected, 1e-4));
}

// Images of 1024 pixels as published, and smaller ones whose maps (40, 20, 10
// and 10 for 160) the windows of 7 and 14 do not divide.
class MobileSamGoldenTest : public ::testing::Test {
 protected:
  void Expect(const std::string& name, const Tensor& actual) {
    EXPECT_TRUE(golden_.Matches(name, actual.detach(), kTolerance));
  }

  // The original has maps [B, C, H, W] behind the start and tokens [B, H W, C]
  // behind each stage.
  Tensor ExpectEncoder(const std::string& prefix, const Tensor& images) {
    torch::NoGradGuard no_grad;
    const auto maps = sam_->image_encoder->as<TinyVit>()->Maps(images);
    Expect(prefix + "patch_embed", maps[0].permute({0, 3, 1, 2}).contiguous());
    for (size_t i = 1; i < maps.size(); ++i) {
      Expect(absl::StrCat(prefix, "layers.", i - 1),
             maps[i].contiguous().flatten(1, 2));
    }
    const Tensor embedding = sam_->image_encoder->forward(images).contiguous();
    Expect(prefix + "image_embedding", embedding);
    return embedding;
  }

  void ExpectPrompts(const std::string& tag, const Tensor& embedding,
                     const Tensor& golden_points, const Tensor& labels) {
    ExpectPromptsEqualToOriginal(golden_, tag, sam_, 1024, embedding,
                                 golden_points, labels);
  }

  const Golden golden_ = test_util::LoadGolden(kGoldenPath);
  Sam sam_ = FilledMobile();
};

TEST_F(MobileSamGoldenTest, EncodesSmallImagesAsTheOriginal) {
  for (const int64_t size : {160, 224}) {
    ExpectEncoder(
        absl::StrCat(size, "."),
        2 * FillSigned(absl::StrCat("input/sam_", size), {2, 3, size, size}));
  }
}

TEST_F(MobileSamGoldenTest, EqualsTheOriginal) {
  const Tensor embedding =
      ExpectEncoder("", 2 * FillSigned("input/sam", {1, 3, 1024, 1024}));
  ExpectPrompts("each", embedding, golden_.tensor("points"),
                golden_.tensor("labels"));
  ExpectPrompts("joint", embedding, golden_.tensor("points_joint"),
                golden_.tensor("labels_joint"));
}

// All but the classifier.
TEST(PublishedMobileSam, HasTheNamesAndShapesOfTheNetwork) {
  std::map<std::string, std::vector<int64_t>> shapes;
  for (const auto& [key, tensor] : weights::StateDict(*FilledMobile())) {
    shapes[key] = tensor.sizes().vec();
  }
  auto published = PublishedShapes();
  for (const char* name : {"norm_head", "head"}) {
    for (const char* kind : {"weight", "bias"}) {
      EXPECT_EQ(
          published.erase(absl::StrCat("image_encoder.", name, ".", kind)), 1u);
    }
  }
  EXPECT_EQ(shapes, published);
}

TEST(PublishedMobileSam, LoadsFromAFile) {
  weights::TensorMap tensors;
  for (const auto& [key, shape] : PublishedShapes()) {
    tensors[key] = test_util::FillValue("sam/", key, shape);
  }
  const std::string path = ::testing::TempDir() + "/mobile_sam.pt";
  ASSERT_THAT(weights::WritePytorch(path, tensors), IsOk());
  Sam loaded(*SamByName("vit_t"));
  weights::LoadOptions options;
  options.key_map = weights::SegmentAnything();
  ASSERT_THAT(weights::LoadFile(*loaded, path, options), IsOk());
  const weights::TensorMap expected = weights::StateDict(*FilledMobile());
  for (const auto& [key, tensor] : weights::StateDict(*loaded)) {
    EXPECT_TRUE(torch::equal(expected.at(key), tensor)) << key;
  }
}

TEST(ModelOfWeights, TellsThePublishedNetworksApart) {
  const auto model_of = [](const char* key, std::vector<int64_t> shape) {
    return ModelOfWeights({{key, torch::empty(shape)}});
  };
  const char* const kPositions = "image_encoder.pos_embed";
  EXPECT_EQ(model_of(kPositions, {1, 64, 64, 768}), "vit_b");
  EXPECT_EQ(model_of(kPositions, {1, 64, 64, 1024}), "vit_l");
  EXPECT_EQ(model_of(kPositions, {1, 64, 64, 1280}), "vit_h");
  EXPECT_EQ(model_of(kPositions, {1, 8, 8, 32}), "tiny");
  EXPECT_EQ(model_of(kPositions, {1, 64, 64, 100}), "");
  EXPECT_EQ(ModelOfWeights(weights::StateDict(*FilledMobile())), "vit_t");
  EXPECT_EQ(ModelOfWeights({}), "");
}

}  // namespace
}  // namespace networks::sam
