// The schema's defaults and those of the option structs of losses, warps and
// the optimizer are one.
#include <tuple>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "keypoints/tps.h"
#include "losses/keypoint_semantic.h"
#include "losses/perceptual.h"
#include "losses/structure_alignment.h"
#include "networks/dino/vision_transformer.h"
#include "networks/sam/options.h"
#include "pipelines/config/config.pb.h"
#include "pipelines/config/resolve.h"
#include "pipelines/optimizer/adam.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines {
namespace {

using ::testing::ElementsAreArray;

// With what the schema gives to lists.
LossConfig Defaults() {
  LossConfig config;
  FillDefaults(&config);
  return config;
}

// A structured binding has as many names as the struct has members: a new one
// does not compile here until it is compared.
TEST(LossOptions, OfThePerceptualLossHaveTheDefaultsOfTheSchema) {
  const auto& [scales, layer_weights, vgg_width] = losses::PerceptualOptions();
  const PerceptualConfig config = Defaults().perceptual();
  EXPECT_THAT(scales, ElementsAreArray(config.scales()));
  EXPECT_THAT(layer_weights, ElementsAreArray(config.layer_weights()));
  EXPECT_EQ(vgg_width, config.width());
}

TEST(LossOptions, OfTheRandomWarpHaveTheDefaultsOfTheSchema) {
  const auto& [sigma_affine, sigma_tps, points] = keypoints::RandomTpsOptions();
  const TpsConfig config = Defaults().equivariance_warp();
  EXPECT_EQ(sigma_affine, config.sigma_affine());
  EXPECT_EQ(sigma_tps, config.sigma_tps());
  EXPECT_EQ(points, config.points());
}

TEST(LossOptions, OfKeypointSemanticsHaveTheDefaultsOfTheSchema) {
  const losses::KeypointSemanticOptions options;
  const SemanticConfig config = Defaults().semantic();
  const auto members = [](const networks::sam::ImageEncoderOptions& encoder) {
    const auto& [image_size, patch_size, channels, depth, heads, window_size,
                 global_blocks, output_channels] = encoder;
    return std::tuple(image_size, patch_size, channels, depth, heads,
                      window_size, global_blocks, output_channels);
  };
  const auto extractor = networks::sam::SamByName(config.model());
  ASSERT_THAT(extractor, IsOk());
  EXPECT_EQ(members(options.extractor.image_encoder),
            members(extractor->image_encoder));
  EXPECT_FALSE(extractor->tiny_vit || options.extractor.tiny_vit);
  EXPECT_EQ(options.input_size, config.input_size());
  EXPECT_EQ(options.keypoints_per_prompt, config.keypoints_per_prompt());
  EXPECT_EQ(options.distance, losses::Distance::kL1);
  EXPECT_EQ(config.distance(), L1);
  EXPECT_EQ(options.multiply_in, torch::kFloat32);
  EXPECT_FALSE(config.bfloat16());
}

TEST(LossOptions, OfStructureAlignmentHaveTheDefaultsOfTheSchema) {
  const losses::StructureAlignmentOptions options;
  const StructureConfig config = Defaults().structure();
  const auto members =
      [](const networks::dino::VisionTransformerOptions& transformer) {
        const auto& [image_size, patch_size, channels, depth, heads,
                     layer_scale, registers, position_resizing] = transformer;
        return std::tuple(image_size, patch_size, channels, depth, heads,
                          layer_scale, registers, position_resizing);
      };
  const auto extractor =
      networks::dino::VisionTransformerByName(config.model());
  ASSERT_THAT(extractor, IsOk());
  EXPECT_EQ(members(options.extractor), members(*extractor));
  EXPECT_EQ(options.preparation.size, config.input_size());
  EXPECT_EQ(options.preparation.max_size, config.max_size());
  EXPECT_THAT(options.layers, ElementsAreArray(config.layers()));
  EXPECT_EQ(options.distance, losses::Distance::kL2);
  EXPECT_EQ(config.distance(), L2);
  EXPECT_EQ(options.multiply_in, torch::kFloat32);
  EXPECT_FALSE(config.bfloat16());
}

TEST(OptimizerOptions, HaveTheDefaultsOfTheSchema) {
  const auto& [beta1, beta2, epsilon, weight_decay] = AdamOptions();
  const TrainingConfig config;
  EXPECT_EQ(beta1, config.beta1());
  EXPECT_EQ(beta2, config.beta2());
  EXPECT_EQ(epsilon, 1e-8);  // Adam's own; no config says another
  EXPECT_EQ(weight_decay, config.weight_decay());
}

}  // namespace
}  // namespace pipelines
