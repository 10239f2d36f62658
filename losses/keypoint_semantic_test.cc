#include "losses/keypoint_semantic.h"

#include <torch/types.h>
#include <torch/utils.h>

#include <tuple>
#include <utility>

#include "gtest/gtest.h"
#include "losses/finite_difference.h"
#include "networks/sam/sam.h"
#include "networks/testing/bfloat16_autocast.h"
#include "networks/testing/fill.h"
#include "networks/testing/tensor_near.h"

namespace losses {
namespace {

using networks::test_util::FillModule;
using networks::test_util::FillSigned;
using networks::test_util::FillUniform;
using torch::Tensor;

constexpr int64_t kHeight = 24, kWidth = 40, kKeypoints = 10;

KeypointSemanticOptions TinyOptions() {
  KeypointSemanticOptions options;
  options.extractor = *networks::sam::SamByName("tiny");
  options.input_size = 64;
  return options;
}

KeypointSemanticLoss Filled(const KeypointSemanticOptions& options) {
  KeypointSemanticLoss loss(options);
  FillModule("sam/", *loss->extractor());
  return loss;
}

struct Inputs {
  explicit Inputs(torch::Dtype dtype = torch::kFloat32, int64_t batch = 2)
      : source(FillUniform("source", {batch, 3, kHeight, kWidth}).to(dtype)),
        driving(FillUniform("driving", {batch, 3, kHeight, kWidth}).to(dtype)),
        source_keypoints(
            FillSigned("source_keypoints", {batch, kKeypoints, 2}).to(dtype)),
        driving_keypoints(
            FillSigned("driving_keypoints", {batch, kKeypoints, 2}).to(dtype)) {
  }

  Tensor Loss(KeypointSemanticLoss& loss) const {
    return loss->forward(source, driving, source_keypoints, driving_keypoints);
  }

  Tensor source, driving, source_keypoints, driving_keypoints;
};

TEST(KeypointSemantic, IsZeroForEqualImagesAndKeypoints) {
  KeypointSemanticLoss loss = Filled(TinyOptions());
  Inputs inputs;
  inputs.driving = inputs.source;
  inputs.driving_keypoints = inputs.source_keypoints;
  EXPECT_EQ(inputs.Loss(loss).item<float>(), 0);
}

// At the size of two windows.
TEST(KeypointSemantic, TakesMobileSam) {
  KeypointSemanticOptions options;
  options.extractor = *networks::sam::SamByName("vit_t");
  options.input_size = 224;
  KeypointSemanticLoss loss = Filled(options);
  Inputs inputs;
  inputs.driving_keypoints.requires_grad_();
  const Tensor value = inputs.Loss(loss);
  EXPECT_GT(value.item<float>(), 0);
  value.backward();
  EXPECT_GT(inputs.driving_keypoints.grad().abs().sum().item<float>(), 0);
}

// As a training step in bfloat16 has it. What is compared is the difference of
// features that some 20 products of factors of 8 bits make: 20^(1/2) 2^-8 = 2 %
// of the features, a few times that of their difference.
TEST(KeypointSemantic, ChangesLittleUnderAutocast) {
  for (const auto& [model, size] :
       {std::pair("tiny", 64), std::pair("vit_t", 224)}) {
    SCOPED_TRACE(model);
    KeypointSemanticOptions options;
    options.extractor = *networks::sam::SamByName(model);
    options.input_size = size;
    KeypointSemanticLoss loss = Filled(options);
    Inputs inputs(torch::kFloat32, /*batch=*/1);
    inputs.driving_keypoints.requires_grad_();
    const double expected = inputs.Loss(loss).item<double>();
    Tensor value;
    {
      const networks::test_util::BFloat16Autocast autocast;
      const Tensor of_source = loss->Embed(inputs.source);
      EXPECT_EQ(of_source.scalar_type(), torch::kFloat32);
      value =
          loss->Compare(of_source, loss->Embed(inputs.driving), kHeight, kWidth,
                        inputs.source_keypoints, inputs.driving_keypoints);
    }
    EXPECT_NEAR(value.item<double>(), expected, 0.1 * expected);
    value.backward();
    EXPECT_TRUE(inputs.driving_keypoints.grad().isfinite().all().item<bool>());
  }
}

TEST(KeypointSemantic, AveragesTheImages) {
  KeypointSemanticLoss loss = Filled(TinyOptions());
  const Inputs both;
  double sum = 0;
  for (int64_t i = 0; i < 2; ++i) {
    sum +=
        loss->forward(both.source.narrow(0, i, 1), both.driving.narrow(0, i, 1),
                      both.source_keypoints.narrow(0, i, 1),
                      both.driving_keypoints.narrow(0, i, 1))
            .item<float>();
  }
  // Float32 rounding through the extractor.
  EXPECT_NEAR(both.Loss(loss).item<float>(), sum / 2, 1e-5 * sum);
}

TEST(KeypointSemantic, ReachesTheKeypointsAlone) {
  KeypointSemanticLoss loss = Filled(TinyOptions());
  Inputs inputs;
  for (Tensor* tensor : {&inputs.source, &inputs.driving,
                         &inputs.source_keypoints, &inputs.driving_keypoints}) {
    tensor->requires_grad_();
  }
  inputs.Loss(loss).backward();
  for (const Tensor& keypoints :
       {inputs.source_keypoints, inputs.driving_keypoints}) {
    EXPECT_EQ((keypoints.grad().abs().sum(-1) > 0).sum().item<int64_t>(),
              2 * kKeypoints);
  }
  EXPECT_FALSE(inputs.source.grad().defined());
  EXPECT_FALSE(inputs.driving.grad().defined());
  for (const Tensor& parameter : loss->parameters()) {
    EXPECT_FALSE(parameter.grad().defined());
  }
}

// A keypoint's feature depends on the keypoints of its own prompt only.
class KeypointPromptTest : public ::testing::TestWithParam<int64_t> {};

INSTANTIATE_TEST_SUITE_P(KeypointsPerPrompt, KeypointPromptTest,
                         ::testing::Values(1, 5, 0));

TEST_P(KeypointPromptTest, IsTheContextOfAKeypoint) {
  torch::NoGradGuard no_grad;
  KeypointSemanticOptions options = TinyOptions();
  options.keypoints_per_prompt = GetParam();
  KeypointSemanticLoss loss = Filled(options);
  const Inputs inputs;
  const Tensor embeddings = loss->Embed(inputs.source);
  const Tensor before =
      loss->Features(embeddings, kHeight, kWidth, inputs.source_keypoints);
  Tensor moved = inputs.source_keypoints.clone();
  moved.select(1, 0).add_(0.2);
  const Tensor after = loss->Features(embeddings, kHeight, kWidth, moved);
  const Tensor change = (after - before).abs().amax({0, 2});  // [K]
  const int64_t context = GetParam() == 0 ? kKeypoints : GetParam();
  EXPECT_GT(change.slice(0, 0, context).min().item<float>(), 1e-4);
  if (context < kKeypoints) {
    // What is left are roundings of matrix products of another batch.
    EXPECT_LT(change.slice(0, context).max().item<float>(), 1e-5);
  }
}

// The longer side of the image, 40 pixels, becomes 64; the other 38.
TEST(KeypointSemantic, PromptsAtThePixelsOfTheKeypoints) {
  torch::NoGradGuard no_grad;
  KeypointSemanticLoss loss = Filled(TinyOptions());
  loss->to(torch::kFloat64);
  const Tensor embeddings =
      loss->Embed(Inputs(torch::kFloat64, /*batch=*/1).source);
  const Tensor keypoints = torch::tensor(
      {{-1.0, -1.0}, {1.0, 1.0}, {0.0, 0.0}, {-0.5, 0.5}}, torch::kFloat64);
  const Tensor pixels = torch::tensor(
      {{0.0, 0.0}, {39.0, 23.0}, {19.5, 11.5}, {9.75, 17.25}}, torch::kFloat64);
  const Tensor scale = torch::tensor({64.0 / 40, 38.0 / 24}, torch::kFloat64);
  networks::sam::Prompts prompts;
  prompts.points = ((pixels + 0.5) * scale - 0.5).unsqueeze(0);
  prompts.labels =
      torch::full({1, 4}, networks::sam::kForegroundPoint, torch::kInt64);
  EXPECT_THAT(
      loss->Features(embeddings, kHeight, kWidth, keypoints.unsqueeze(0)),
      networks::test_util::TensorNear(
          loss->extractor()->PointFeatures(embeddings, prompts,
                                           /*image_size=*/64),
          1e-10));
}

TEST(KeypointSemantic, NeedsWholePrompts) {
  KeypointSemanticOptions options = TinyOptions();
  options.keypoints_per_prompt = 3;
  KeypointSemanticLoss loss = Filled(options);
  EXPECT_THROW(Inputs().Loss(loss), c10::Error);
}

class KeypointSemanticGradientTest
    : public ::testing::TestWithParam<std::tuple<Distance, int64_t>> {};

INSTANTIATE_TEST_SUITE_P(
    DistancesAndPrompts, KeypointSemanticGradientTest,
    ::testing::Combine(::testing::Values(Distance::kL1, Distance::kL2,
                                         Distance::kCosine),
                       ::testing::Values(0, 5)));

TEST_P(KeypointSemanticGradientTest, EqualsFiniteDifferences) {
  KeypointSemanticOptions options = TinyOptions();
  options.distance = std::get<0>(GetParam());
  options.keypoints_per_prompt = std::get<1>(GetParam());
  KeypointSemanticLoss loss = Filled(options);
  loss->to(torch::kFloat64);
  const Inputs inputs(torch::kFloat64, /*batch=*/1);
  const Tensor of_source = loss->Embed(inputs.source);
  const Tensor of_driving = loss->Embed(inputs.driving);
  // Both sides at once: [2, K, 2].
  ExpectGradientEqualsFiniteDifferences(
      [&](const Tensor& keypoints) {
        return loss->Compare(of_source, of_driving, kHeight, kWidth,
                             keypoints.narrow(0, 0, 1),
                             keypoints.narrow(0, 1, 1));
      },
      torch::cat({inputs.source_keypoints, inputs.driving_keypoints}));
}

// The whole of forward, not only its halves.
TEST(KeypointSemantic, HasTheGradientOfFiniteDifferences) {
  KeypointSemanticLoss loss = Filled(TinyOptions());
  loss->to(torch::kFloat64);
  const Inputs inputs(torch::kFloat64, /*batch=*/1);
  ExpectGradientEqualsFiniteDifferences(
      [&](const Tensor& driving_keypoints) {
        return loss->forward(inputs.source, inputs.driving,
                             inputs.source_keypoints, driving_keypoints);
      },
      inputs.driving_keypoints);
}

}  // namespace
}  // namespace losses
