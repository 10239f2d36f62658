#include "networks/sam/sam_of_weights.h"

#include <torch/types.h>

#include <vector>

#include "gtest/gtest.h"
#include "networks/sam/options.h"
#include "networks/sam/sam.h"
#include "networks/weights/load.h"

namespace networks::sam {
namespace {

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
  EXPECT_EQ(ModelOfWeights(weights::StateDict(*Sam(*SamByName("vit_t")))),
            "vit_t");
  EXPECT_EQ(ModelOfWeights({}), "");
}

}  // namespace
}  // namespace networks::sam
