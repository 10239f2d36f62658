// The losses on each kind of device: values and gradients are the CPU's.
#include <ATen/CPUGeneratorImpl.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <cstdint>
#include <filesystem>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "keypoints/tps.h"
#include "losses/background_consistency.h"
#include "losses/balance.h"
#include "losses/distance.h"
#include "losses/embedding_cache.h"
#include "losses/equivariance.h"
#include "losses/feature_warp.h"
#include "losses/keypoint_semantic.h"
#include "losses/locality.h"
#include "losses/perceptual.h"
#include "losses/photometric.h"
#include "losses/structure_alignment.h"
#include "networks/testing/devices.h"
#include "networks/testing/fill.h"
#include "third_party/absl/status_matchers.h"

namespace losses {
namespace {

using networks::Tensors;
using networks::test_util::FillModule;
using networks::test_util::FillSigned;
using networks::test_util::FillUniform;
using torch::Tensor;

class LossesDeviceTest : public networks::test_util::DeviceTest {};

INSTANTIATE_ON_DEVICES(LossesDeviceTest);

Tensor Images(const char* name) { return FillUniform(name, {2, 3, 32, 32}); }

Tensor Keypoints(const char* name) { return FillSigned(name, {2, 10, 2}); }

// [2, 3, 32, 32], a distribution over three candidates.
Tensor Contributions() {
  return FillSigned("contributions", {2, 3, 32, 32}).softmax(1);
}

TEST_P(LossesDeviceTest, AreThoseOfTheCpu) {
  ExpectAllAsOnCpu({
      {"background",
       {FillSigned("there", {2, 3, 3}), FillSigned("back", {2, 3, 3})},
       [](const Tensors& x) { return Tensors{BackgroundLoss(x[0], x[1])}; }},
      {"balance",
       {Images("source"), Images("driving"), Contributions()},
       [](const Tensors& x) {
         return Tensors{BalanceLoss(TransformShares(x[0], x[1], x[2]))};
       }},
      {"distance",
       {FillSigned("a", {4, 16}), FillSigned("b", {4, 16})},
       [](const Tensors& x) {
         return Tensors{MeanDistance(x[0], x[1], Distance::kL1),
                        MeanDistance(x[0], x[1], Distance::kL2),
                        MeanDistance(x[0], x[1], Distance::kCosine)};
       }},
      {"equivariance",
       {Keypoints("driving"), Keypoints("transformed")},
       [](const Tensors& x) {
         const uint64_t seed = 3;
         return Tensors{EquivarianceLoss(
             x[0], x[1],
             keypoints::RandomTps::Sample(
                 2, {}, at::make_generator<at::CPUGeneratorImpl>(seed),
                 x[0].device()))};
       }},
      {"feature warp",
       {FillSigned("driving0", {2, 4, 8, 8}),
        FillSigned("driving1", {2, 8, 4, 4}),
        FillSigned("warped1", {2, 8, 4, 4}),
        FillSigned("warped0", {2, 4, 8, 8})},
       [](const Tensors& x) {
         return Tensors{WarpLoss({x[0], x[1]}, {x[2], x[3]})};
       }},
      {"locality",
       {Keypoints("driving"), Contributions()},
       [](const Tensors& x) {
         return Tensors{LocalityLoss(x[0], x[1], /*keypoints_per_set=*/5,
                                     /*radius=*/0.3)};
       }},
      {"photometric",
       {Images("driving"), Images("warped")},
       [](const Tensors& x) { return Tensors{PhotometricLoss(x[0], x[1])}; }},
      {"mixture",
       {Images("driving"), FillUniform("warped", {2, 3, 3, 32, 32}),
        Contributions()},
       [](const Tensors& x) {
         return Tensors{MixturePhotometricLoss(x[0], x[1], x[2])};
       }},
      {"semantic",
       {Images("source"), Images("driving"), Keypoints("source_keypoints"),
        Keypoints("driving_keypoints")},
       [](const Tensors& x) {
         KeypointSemanticOptions options;
         options.extractor = *networks::sam::SamByName("tiny");
         options.input_size = 64;
         options.keypoints_per_prompt = 5;
         KeypointSemanticLoss loss(options);
         FillModule("sam/", *loss->extractor());
         loss->to(x[0].device());
         return Tensors{loss(x[0], x[1], x[2], x[3])};
       }},
      {"structure",
       {Images("generated"), Images("driving")},
       [](const Tensors& x) {
         StructureAlignmentOptions options;
         options.extractor = *networks::dino::VisionTransformerByName("tiny");
         options.preparation = {32, 64};
         StructureAlignmentLoss loss(options);
         FillModule("dino/", *loss->extractor());
         loss->to(x[0].device());
         return Tensors{loss(x[0], x[1])};
       }},
  });
}

// Its deepest layer has some hundred ReLUs and absolute differences.
TEST_P(LossesDeviceTest, PerceptualIsThatOfTheCpu) {
  ExpectAsOnCpu(
      [](const Tensors& x) {
        torch::manual_seed(1);
        PerceptualOptions options;
        options.scales = {1, 0.5};
        options.vgg_width = 4;
        PerceptualLoss loss(options);
        loss->to(x[0].device());
        return Tensors{loss(x[0], x[1]).total};
      },
      {Images("real"), Images("generated")}, /*tolerance=*/0.02);
}

TEST_P(LossesDeviceTest, EmbeddingsAreKeptForAllDevices) {
  EmbeddingCacheOptions options;
  options.folder = ::testing::TempDir() + "/embeddings_on_" + GetParam();
  std::filesystem::remove_all(options.folder);
  auto cache = EmbeddingCache::Open(options);
  ASSERT_THAT(cache, IsOk());
  const Tensor images = Images("kept");
  for (const torch::Device where : {device(), torch::Device(torch::kCPU)}) {
    const Tensor embeddings = cache->Through(
        images.to(where),
        [](const Tensor& image) { return image.is_cpu() ? image : -image; });
    EXPECT_EQ(embeddings.device().type(), where.type());
    EXPECT_TRUE(
        torch::equal(embeddings.cpu(), device().is_cpu() ? images : -images));
  }
  EXPECT_THAT(cache->insert_status(), IsOk());
}

}  // namespace
}  // namespace losses
