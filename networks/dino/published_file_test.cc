// DINO's published files: names and shapes of all that is in them, and a file
// of that kind read into the network.
#include <torch/nn/module.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/dino/vision_transformer.h"
#include "networks/testing/fill.h"
#include "networks/testing/golden.h"
#include "networks/weights/key_map.h"
#include "networks/weights/pytorch_writer.h"
#include "networks/weights/read.h"
#include "networks/weights/tensor_map.h"
#include "third_party/absl/status_matchers.h"

namespace networks::dino {
namespace {

using Shapes = std::map<std::string, std::vector<int64_t>>;

// What a published ViT of `c` channels and `patch` pixels a patch holds.
Shapes PublishedShapes(int64_t c, int64_t patch) {
  const int64_t tokens = 1 + (224 / patch) * (224 / patch);
  Shapes shapes = {{"cls_token", {1, 1, c}},
                   {"pos_embed", {1, tokens, c}},
                   {"patch_embed.proj.weight", {c, 3, patch, patch}},
                   {"patch_embed.proj.bias", {c}},
                   {"norm.weight", {c}},
                   {"norm.bias", {c}}};
  for (int block = 0; block < 12; ++block) {
    const std::string prefix = absl::StrCat("blocks.", block, ".");
    for (const char* norm : {"norm1", "norm2"}) {
      shapes[prefix + norm + ".weight"] = {c};
      shapes[prefix + norm + ".bias"] = {c};
    }
    const auto linear = [&](const std::string& name, int64_t in, int64_t out) {
      shapes[prefix + name + ".weight"] = {out, in};
      shapes[prefix + name + ".bias"] = {out};
    };
    linear("attn.qkv", c, 3 * c);
    linear("attn.proj", c, c);
    linear("mlp.fc1", c, 4 * c);
    linear("mlp.fc2", 4 * c, c);
  }
  return shapes;
}

Shapes ShapesOf(const torch::nn::Module& network) {
  Shapes shapes;
  for (const auto& parameter : network.named_parameters()) {
    shapes[parameter.key()] = parameter.value().sizes().vec();
  }
  return shapes;
}

TEST(PublishedDino, HasTheNamesAndShapesOfTheNetworks) {
  for (const auto& [model, channels, patch] :
       {std::tuple{"vits16", 384, 16}, {"vitb8", 768, 8}}) {
    const VisionTransformer network(*VisionTransformerByName(model));
    EXPECT_EQ(ShapesOf(*network), PublishedShapes(channels, patch)) << model;
    EXPECT_TRUE(network->named_buffers().is_empty());
  }
}

TEST(PublishedDino, LoadsFromAFile) {
  weights::TensorMap tensors;
  for (const auto& [key, shape] : PublishedShapes(384, 16)) {
    tensors[key] = test_util::FillValue("dino/", key, shape);
  }
  const std::string path =
      ::testing::TempDir() + "/dino_deitsmall16_pretrain.pth";
  ASSERT_THAT(weights::WritePytorch(path, tensors), IsOk());
  VisionTransformer network(*VisionTransformerByName("vits16"));
  weights::LoadOptions options;
  options.key_map = weights::DinoBackbone();
  ASSERT_THAT(weights::LoadFile(*network, path, options), IsOk());

  torch::NoGradGuard no_grad;
  const auto golden =
      test_util::Golden::Load("networks/dino/testdata/dino_vits16.safetensors");
  ASSERT_THAT(golden, IsOk());
  EXPECT_TRUE(golden->Matches(
      "160x240.cls",
      network->forward(
          2 * test_util::FillSigned("input/dino_160x240", {1, 3, 160, 240})),
      1e-4));  // as in vision_transformer_test
}

TEST(PublishedDino, NamesAnotherModel) {
  const std::string path = ::testing::TempDir() + "/dino_of_another_size.pth";
  weights::TensorMap tensors;
  for (const auto& [key, shape] : PublishedShapes(48, 8)) {
    tensors[key] = torch::zeros(shape);
  }
  ASSERT_THAT(weights::WritePytorch(path, tensors), IsOk());
  VisionTransformer network(*VisionTransformerByName("vits16"));
  EXPECT_THAT(
      weights::LoadFile(*network, path),
      StatusIs(absl::StatusCode::kInvalidArgument, ::testing::HasSubstr(path)));
}

}  // namespace
}  // namespace networks::dino
