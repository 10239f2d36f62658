#include "pipelines/training/frozen_losses.h"

#include <torch/nn/module.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/dino/vision_transformer.h"
#include "networks/sam/options.h"
#include "networks/sam/sam.h"
#include "networks/weights/load.h"
#include "networks/weights/safetensors.h"
#include "networks/weights/tensor_map.h"
#include "pipelines/testing/scoped_environment.h"
#include "pipelines/testing/testing_config.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines {
namespace {

using networks::weights::StateDict;
using networks::weights::TensorMap;

absl::StatusOr<FrozenLosses> Make(const std::vector<std::string>& overrides) {
  return MakeFrozenLosses(*TinyConfig(overrides), torch::kCPU);
}

std::vector<std::string> All() {
  return {"losses.semantic.weight=1",       "losses.semantic.model=tiny",
          "losses.semantic.untrained=true", "losses.structure.weight=0.1",
          "losses.structure.model=tiny",    "losses.structure.untrained=true",
          "losses.structure.input_size=32"};
}

TEST(FrozenLosses, AreMadeWhereTheyAreSwitchedOn) {
  const auto none = Make({});
  ASSERT_THAT(none, IsOk());
  EXPECT_FALSE(none->perceptual.is_empty());
  EXPECT_TRUE(none->semantic.is_empty());
  EXPECT_TRUE(none->structure.is_empty());
  EXPECT_FALSE(none->embeddings.has_value());
  const auto all = Make(All());
  ASSERT_THAT(all, IsOk());
  EXPECT_FALSE(all->semantic.is_empty());
  EXPECT_FALSE(all->structure.is_empty());
  EXPECT_FALSE(all->embeddings.has_value());  // without cache_gib
}

TEST(FrozenLosses, KeepEmbeddingsWhereTheConfigAllowsBytes) {
  const ScopedCacheFolder cache;
  std::vector<std::string> config = All();
  config.push_back("losses.semantic.cache_gib=0.001");
  const auto losses = Make(config);
  ASSERT_THAT(losses, IsOk());
  EXPECT_TRUE(losses->embeddings.has_value());
}

// Embeddings in bfloat16 are none of those of a run in float32.
TEST(FrozenLosses, KeepEmbeddingsOfEachPrecisionApart) {
  const ScopedCacheFolder cache;
  const torch::Tensor image = torch::ones({1, 3, 4, 4});
  std::vector<std::string> config = All();
  config.push_back("losses.semantic.cache_gib=0.001");
  const auto in = [&](const std::string& precision) {
    std::vector<std::string> overrides = config;
    overrides.push_back("training.precision=" + precision);
    torch::manual_seed(1);  // which draws SAM's weights
    return *Make(overrides);
  };
  ASSERT_THAT(in("BFLOAT16").embeddings->Insert(image, image), IsOk());
  EXPECT_TRUE(in("BFLOAT16").embeddings->Find(image).has_value());
  EXPECT_FALSE(in("FLOAT32").embeddings->Find(image).has_value());
}

TEST(FrozenLosses, NamesLayersThatThereAreNot) {
  std::vector<std::string> config = All();
  config.push_back("losses.structure.layers=[20]");
  EXPECT_THAT(Make(config),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       testing::HasSubstr("losses.structure.layers has 20")));
}

// The shorter side would have 5 pixels, and a patch has 8.
TEST(FrozenLosses, NameSizesOfLessThanOnePatch) {
  std::vector<std::string> config = All();
  config.insert(config.end(),
                {"data.width=192", "losses.structure.input_size=16",
                 "losses.structure.max_size=32"});
  EXPECT_THAT(
      Make(config),
      StatusIs(absl::StatusCode::kInvalidArgument,
               testing::AllOf(
                   testing::HasSubstr("losses.structure.input_size is 16 and "
                                      "max_size 32, by which tiny"),
                   testing::HasSubstr("32x192 at 5x32"))));
}

// The tensors of the untrained VGG-19, SAM and DINO that a seed gives.
std::vector<TensorMap> NetworksOfSeed(int seed) {
  torch::manual_seed(seed);
  auto losses = Make(All());
  if (!losses.ok()) return {};
  return {StateDict(*losses->perceptual->vgg()),
          StateDict(*losses->semantic->extractor()),
          StateDict(*losses->structure->extractor())};
}

// Two runs of one seed are equal bit for bit, so nothing but LibTorch's
// generator may decide on these weights.
TEST(FrozenLosses, WithoutWeightsAreDrawnFromTheSeed) {
  const auto networks = NetworksOfSeed(1);
  const auto same = NetworksOfSeed(1), others = NetworksOfSeed(2);
  ASSERT_EQ(networks.size(), 3u);
  for (size_t n = 0; n < networks.size(); ++n) {
    int drawn = 0;
    for (const auto& [name, tensor] : networks[n]) {
      EXPECT_TRUE(torch::equal(tensor, same[n].at(name))) << n << " " << name;
      drawn += !torch::equal(tensor, others[n].at(name));
    }
    EXPECT_GT(drawn, 0) << n;
  }
}

// So that an ablation changes one thing.
TEST(FrozenLosses, DrawTheSameWhateverElseIsSwitchedOn) {
  const auto structure = [](const std::string& override) {
    std::vector<std::string> config = All();
    config.push_back(override);
    torch::manual_seed(1);
    auto losses = Make(config);
    EXPECT_THAT(losses, IsOk());
    return StateDict(*losses->structure->extractor());
  };
  const TensorMap all = structure("losses.semantic.weight=1");
  for (const char* other :
       {"losses.semantic.weight=0", "losses.perceptual.width=8"}) {
    for (const auto& [name, tensor] : structure(other)) {
      EXPECT_TRUE(torch::equal(tensor, all.at(name))) << other << " " << name;
    }
  }
}

TEST(FrozenLosses, NamesMissingWeights) {
  const ScopedCacheFolder cache("/no/cache");
  EXPECT_THAT(Make({"losses.structure.weight=0.1",
                    "losses.structure.weights=dino_vitbase8_pretrain.pth"}),
              StatusIs(absl::StatusCode::kNotFound,
                       testing::HasSubstr("are not in /no/cache")));
}

// A file of a network's weights in the test's folder.
std::string WriteWeights(const torch::nn::Module& network) {
  std::string path = testing::TempDir() + "/frozen.safetensors";
  EXPECT_THAT(networks::weights::WriteSafetensors(path, StateDict(network)),
              IsOk());
  return path;
}

// The weights of DINO for DINOv2, and of MobileSAM for another SAM.
TEST(FrozenLosses, NamesTheNetworkWhoseWeightsThereAre) {
  const auto expect_refused = [](const std::string& loss,
                                 const std::string& model,
                                 const torch::nn::Module& other,
                                 const std::string& name,
                                 const std::string& tensor) {
    const std::string path = WriteWeights(other);
    const std::string field = "losses." + loss;
    EXPECT_THAT(
        Make({field + ".weight=0.1", field + ".model=" + model,
              field + ".weights=" + path}),
        StatusIs(
            absl::StatusCode::kInvalidArgument,
            testing::AllOf(
                testing::HasSubstr(path), testing::HasSubstr(tensor),
                testing::HasSubstr("these are the weights of " + name +
                                   ", so set " + field + ".model to that"))));
  };
  using networks::dino::VisionTransformer;
  expect_refused(
      "structure", "vits14",
      *VisionTransformer(*networks::dino::VisionTransformerByName("vits16")),
      "vits16",
      "tensor \"patch_embed.proj.weight\" is [384, 3, 16, 16] Float, the "
      "model's is [384, 3, 14, 14]");
  expect_refused("semantic", "tiny",
                 *networks::sam::Sam(*networks::sam::SamByName("vit_t")),
                 "vit_t", "missing: image_encoder.blocks.0.");
}

}  // namespace
}  // namespace pipelines
