#include "losses/structure_alignment.h"

#include <torch/types.h>

#include <vector>

#include "gtest/gtest.h"
#include "losses/finite_difference.h"
#include "networks/dino/heads.h"
#include "networks/dino/shift.h"
#include "networks/testing/bfloat16_autocast.h"
#include "networks/testing/fill.h"
#include "networks/testing/golden.h"

namespace losses {
namespace {

using networks::test_util::FillModule;
using networks::test_util::FillUniform;
using networks::test_util::Golden;
using torch::Tensor;

StructureAlignmentOptions TinyOptions() {
  StructureAlignmentOptions options;
  options.extractor = *networks::dino::VisionTransformerByName("tiny");
  options.preparation = {32, 64};
  return options;
}

StructureAlignmentLoss Filled(const StructureAlignmentOptions& options) {
  StructureAlignmentLoss loss(options);
  FillModule("dino/", *loss->extractor());
  return loss;
}

TEST(StructureAlignment, IsZeroForEqualImages) {
  StructureAlignmentLoss loss = Filled(TinyOptions());
  const Tensor image = FillUniform("image", {2, 3, 24, 32});
  EXPECT_EQ(loss->forward(image, image).item<float>(), 0);
}

// The keys may be rounded, not what is made of them.
TEST(StructureAlignment, ComparesWithAllDigitsUnderAutocast) {
  const Tensor keys = FillUniform("keys", {2, 9, 48});
  const Tensor expected = networks::dino::SelfSimilarity(keys);
  const networks::test_util::BFloat16Autocast autocast;
  const Tensor actual = networks::dino::SelfSimilarity(keys);
  ASSERT_EQ(actual.scalar_type(), torch::kFloat32);
  EXPECT_TRUE(torch::equal(actual, expected));
}

TEST(StructureAlignment, AddsUpTheImages) {
  StructureAlignmentLoss sum = Filled(TinyOptions());
  const Tensor a = FillUniform("a", {3, 3, 24, 24});
  const Tensor b = FillUniform("b", {3, 3, 24, 24});
  double of_each = 0;
  for (int64_t i = 0; i < 3; ++i) {
    of_each += sum->forward(a.narrow(0, i, 1), b.narrow(0, i, 1)).item<float>();
  }
  // Float32 rounding of sums of some 300 squares.
  EXPECT_NEAR(sum->forward(a, b).item<float>(), of_each, 1e-5 * of_each);
}

TEST(StructureAlignment, ReachesTheGeneratedImageAlone) {
  StructureAlignmentLoss loss = Filled(TinyOptions());
  const Tensor generated =
      FillUniform("generated", {1, 3, 24, 24}).requires_grad_();
  const Tensor driving =
      FillUniform("driving", {1, 3, 24, 24}).requires_grad_();
  loss->forward(generated, driving).backward();
  EXPECT_GT(generated.grad().abs().sum().item<float>(), 0);
  EXPECT_FALSE(driving.grad().defined());
  for (const Tensor& parameter : loss->parameters()) {
    EXPECT_FALSE(parameter.requires_grad());
    EXPECT_FALSE(parameter.grad().defined());
  }
}

TEST(StructureAlignment, ComparesWithAKeptDescription) {
  StructureAlignmentLoss loss = Filled(TinyOptions());
  const Tensor a = FillUniform("a", {2, 3, 24, 24});
  const Tensor b = FillUniform("b", {2, 3, 24, 24});
  EXPECT_TRUE(torch::equal(loss->Compare(loss->Describe(a), loss->Describe(b)),
                           loss->forward(a, b)));
}

// Both images of a pair move alike, so that equal ones stay equal, and an image
// that is shifted differs from itself.
TEST(StructureAlignment, ShiftsBothImagesAlike) {
  StructureAlignmentLoss loss = Filled(TinyOptions());
  const Tensor image = FillUniform("image", {2, 3, 24, 32});
  const Tensor shifts = torch::tensor({{3, -2}, {-4, 1}});
  EXPECT_EQ(loss->forward(image, image, shifts).item<float>(), 0);
  EXPECT_GT(loss->Compare(loss->Describe(image, shifts), loss->Describe(image))
                .item<float>(),
            0);
  EXPECT_TRUE(torch::equal(
      loss->forward(image, image.flip(3), torch::zeros_like(shifts)),
      loss->forward(image, image.flip(3))));
}

// At the extractor's size, where nothing is resized.
TEST(StructureAlignment, ShiftsByPixelsOfTheExtractorsInput) {
  StructureAlignmentLoss loss = Filled(TinyOptions());
  const Tensor image = FillUniform("image", {2, 3, 32, 40});
  const Tensor shifts = torch::tensor({{3, -2}, {-4, 1}});
  EXPECT_TRUE(
      torch::equal(loss->Describe(image, shifts)[0],
                   loss->Describe(networks::dino::Shift(image, shifts))[0]));
}

TEST(StructureAlignment, LeavesRegistersOut) {
  StructureAlignmentOptions options = TinyOptions();
  options.extractor = {
      56, 14,   48, 3,
      3,  true, 4,  networks::dino::PositionResizing::kAntialiased};
  options.preparation = {56, 70};
  StructureAlignmentLoss loss = Filled(options);
  const Tensor image = FillUniform("image", {2, 3, 28, 28});
  const int64_t tokens = 1 + 4 * 4;
  EXPECT_EQ(loss->Describe(image)[0].sizes(),
            (std::vector<int64_t>{2, tokens, tokens}));
}

// bfloat16 has 8 bits, and the errors of some 20 products of 48 addends add up
// like a random walk: a few per cent of the loss.
TEST(StructureAlignment, ChangesLittleInBfloat16) {
  StructureAlignmentOptions options = TinyOptions();
  StructureAlignmentLoss exact = Filled(options);
  options.multiply_in = torch::kBFloat16;
  StructureAlignmentLoss rounded = Filled(options);
  const Tensor a = FillUniform("a", {1, 3, 32, 32});
  const Tensor b = FillUniform("b", {1, 3, 32, 32});
  const double expected = exact->forward(a, b).item<float>();
  const Tensor actual = rounded->forward(a, b);
  EXPECT_EQ(actual.scalar_type(), torch::kFloat32);
  EXPECT_NEAR(actual.item<float>(), expected, 0.05 * expected);
}

class StructureAlignmentGradientTest
    : public ::testing::TestWithParam<Distance> {};

INSTANTIATE_TEST_SUITE_P(Distances, StructureAlignmentGradientTest,
                         ::testing::Values(Distance::kL1, Distance::kL2,
                                           Distance::kCosine));

TEST_P(StructureAlignmentGradientTest, EqualsFiniteDifferences) {
  StructureAlignmentOptions options = TinyOptions();
  options.layers = {0, -1};
  options.distance = GetParam();
  StructureAlignmentLoss loss = Filled(options);
  loss->to(torch::kFloat64);
  const Tensor driving =
      FillUniform("driving", {2, 3, 20, 24}).to(torch::kFloat64);
  const Tensor generated =
      FillUniform("generated", {2, 3, 20, 24}).to(torch::kFloat64);
  ExpectGradientEqualsFiniteDifferences(
      [&](const Tensor& x) { return loss->forward(x, driving); }, generated);
}

TEST(StructureAlignment, EqualsTheOriginal) {
  const Golden golden =
      *Golden::Load("networks/dino/testdata/dino_vits16.safetensors");
  StructureAlignmentOptions options;
  options.extractor = *networks::dino::VisionTransformerByName("vits16");
  StructureAlignmentLoss loss = Filled(options);
  const Tensor generated =
      FillUniform("input/dino_gen", {2, 3, 256, 256}).requires_grad_();
  const Tensor driving = FillUniform("input/dino_drv", {2, 3, 256, 256});
  const Tensor value = loss->forward(generated, driving);
  value.backward();
  EXPECT_TRUE(
      golden.Matches("structure.loss", value.detach().reshape({1}), 1e-5));
  EXPECT_TRUE(golden.Matches("structure.grad_generated_l2",
                             generated.grad().norm().reshape({1}), 1e-4));
  EXPECT_TRUE(
      golden.Matches("structure.grad_generated", generated.grad(), 1e-4));
}

}  // namespace
}  // namespace losses
