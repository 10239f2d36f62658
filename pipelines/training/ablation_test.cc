// The paper's ablation configs train, with networks small enough for a test.
#include <torch/types.h>
#include <torch/utils.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "pipelines/config/config.h"
#include "pipelines/model/model.h"
#include "pipelines/optimizer/adam.h"
#include "pipelines/testing/scoped_environment.h"
#include "pipelines/training/objective.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines {
namespace {

// Overrides that leave what an ablation is about as it is.
std::vector<std::string> TinyNetworks() {
  return {"data.height=32",
          "data.width=32",
          "model.num_transforms=2",
          "model.detector.width=4",
          "model.dense_motion.block_expansion=4",
          "model.dense_motion.max_features=8",
          "model.dense_motion.num_blocks=2",
          "model.inpainting.block_expansion=4",
          "model.inpainting.max_features=8",
          "losses.perceptual.weights=",
          "losses.perceptual.untrained=true",
          "losses.perceptual.width=4",
          "losses.perceptual.scales=[1, 0.5]",
          "losses.semantic.weights=",
          "losses.semantic.untrained=true",
          "losses.semantic.model=tiny",
          "losses.structure.weights=",
          "losses.structure.untrained=true",
          "losses.structure.model=tiny",
          "losses.structure.input_size=32"};
}

struct Ablation {
  const char* name;
  size_t terms;
  int64_t candidates;  // of 2 local transformations and the background
};

class AblationTest : public testing::TestWithParam<Ablation> {};

TEST_P(AblationTest, TrainsSomeSteps) {
  const auto config =
      LoadConfig(std::string("pipelines/config/shipped/ablation-") +
                     GetParam().name + ".textproto",
                 TinyNetworks());
  ASSERT_THAT(config, IsOk());
  auto objective = Objective::Create(*config, torch::kCPU);
  ASSERT_THAT(objective, IsOk());
  auto model = *AnimationModel::Create(config->model());
  Adam adam(*model, {});
  torch::manual_seed(1);
  const torch::Tensor source = torch::rand({2, 3, 32, 32});
  const torch::Tensor driving = torch::rand({2, 3, 32, 32});
  StageTimer timer;
  for (int64_t step = 0; step < 3; ++step) {
    // Epoch 20: the background has started, dropout is on.
    const StepOutput out =
        (*objective)(*model, source, driving, {step, 20}, timer);
    EXPECT_EQ(out.terms.size(), GetParam().terms);
    EXPECT_EQ(out.motion.blend.contribution_maps.size(1),
              GetParam().candidates);
    ASSERT_TRUE(std::isfinite(out.total.item<float>()));
    adam.ZeroGrad();
    out.total.backward();
    adam.Step(1e-4);
  }
}

INSTANTIATE_TEST_SUITE_P(Paper, AblationTest,
                         testing::Values(Ablation{"full", 6, 4},
                                         Ablation{"no-global", 6, 3},
                                         Ablation{"no-semantic", 5, 4},
                                         Ablation{"no-structure", 5, 4}));

TEST(SemanticCache, GivesTheSameLossAndFillsItsFolderOnce) {
  const std::string cache = testing::TempDir() + "/semantic_cache";
  const ScopedCacheFolder here(cache);
  std::vector<std::string> overrides = TinyNetworks();
  for (const char* colour : {"brightness", "contrast", "saturation", "hue"}) {
    overrides.push_back(absl::StrCat("data.augmentation.", colour, "=0"));
  }
  const auto semantic = [&](const std::vector<std::string>& overrides) {
    const auto config = LoadConfig(
        "pipelines/config/shipped/ablation-full.textproto", overrides);
    EXPECT_THAT(config, IsOk());
    auto objective = Objective::Create(*config, torch::kCPU);
    EXPECT_THAT(objective, IsOk());
    torch::manual_seed(1);
    auto model = *AnimationModel::Create(config->model());
    const torch::Tensor images = torch::rand({4, 3, 32, 32});
    StageTimer timer;
    const StepOutput out = (*objective)(*model, images.slice(0, 0, 2),
                                        images.slice(0, 2, 4), {0, 20}, timer);
    for (const auto& [name, value] : out.terms) {
      if (name == "semantic") return value.item<float>();
    }
    return -1.0f;
  };
  const auto num_kept = [&] {
    const std::filesystem::directory_iterator files(
        cache + "/cpab_animation/sam_embeddings");
    return std::distance(begin(files), end(files));
  };
  const float without = semantic(overrides);
  overrides.push_back("losses.semantic.cache_gib=0.01");
  // Batches of one and of two round differently.
  EXPECT_NEAR(semantic(overrides), without, 1e-5 * without);
  EXPECT_EQ(num_kept(), 4);
  EXPECT_NEAR(semantic(overrides), without, 1e-5 * without);
  EXPECT_EQ(num_kept(), 4);
}

TEST(SemanticCache, IsRefusedWhereNoFrameComesTwice) {
  EXPECT_THAT(LoadConfig("pipelines/config/shipped/ablation-full.textproto",
                         {"losses.semantic.cache_gib=1"}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       testing::HasSubstr("losses.semantic.cache_gib")));
}

}  // namespace
}  // namespace pipelines
