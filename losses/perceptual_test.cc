// Laws of the perceptual loss, and the original's pyramid:
// networks/testdata/README.md says where its numbers come from.
#include "losses/perceptual.h"

#include <torch/autograd.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "networks/recompute.h"
#include "networks/testing/fill.h"
#include "networks/testing/golden.h"
#include "networks/testing/graph.h"

namespace losses {
namespace {

using networks::test_util::CountNodes;
using networks::test_util::FillModule;
using networks::test_util::FillUniform;
using networks::test_util::Golden;
using networks::test_util::LoadGolden;
using torch::Tensor;

// Relative: float32 sums in a different order; the original's own float32 and
// float64 runs differ by 1e-6 of a typical element.
constexpr double kTol = 1e-4;
// Relative, for gradients through many ReLUs and |.|, which change by whole
// terms where a kink flips. The original's own float32 and float64 runs differ
// by up to 7e-3 in elements.
constexpr double kKinkTol = 2e-2;

TEST(PerceptualLoss, IsZeroForEqualPicturesAndWeighsItsTerms) {
  torch::manual_seed(6);
  PerceptualOptions options;
  options.scales = {1, 0.5};
  options.layer_weights = {1, 2, 3, 4, 5};
  PerceptualLoss loss(options);
  const Tensor real = FillUniform("real", {1, 3, 32, 32});
  const Tensor generated = FillUniform("generated", {1, 3, 32, 32});
  // The features of the real picture need no gradient; kernels for that round
  // otherwise. Features are of a size of 1.
  EXPECT_NEAR(loss(real, real).total.item<float>(), 0, 1e-5);

  const PerceptualOutput output = loss(real, generated);
  ASSERT_EQ(output.terms.size(), 10);
  double sum = 0;
  for (const PerceptualOutput::Term& term : output.terms) {
    sum += options.layer_weights[term.layer] * term.value.item<double>();
  }
  // Ten float32 additions.
  EXPECT_NEAR(output.total.item<double>(), sum, 1e-5 * sum);
  EXPECT_EQ(output.terms.back().scale, 0.5);
}

TEST(PerceptualLoss, ReachesTheGeneratedPictureOnly) {
  torch::manual_seed(7);
  PerceptualOptions options;
  options.scales = {1};
  PerceptualLoss loss(options);
  const Tensor real = FillUniform("real", {1, 3, 32, 32}).requires_grad_();
  const Tensor generated =
      FillUniform("generated", {1, 3, 32, 32}).requires_grad_();
  loss(real, generated).total.backward();
  EXPECT_FALSE(real.grad().defined());
  EXPECT_GT(generated.grad().abs().sum().item<double>(), 0);
  for (const Tensor& parameter : loss->parameters()) {
    EXPECT_FALSE(parameter.grad().defined());
  }
}

TEST(PerceptualLoss, GivesTheSameWhereItRecomputes) {
  torch::manual_seed(8);
  PerceptualOptions options;
  options.scales = {1, 0.5};
  PerceptualLoss loss(options);
  const Tensor real = FillUniform("real", {2, 3, 32, 32});
  std::vector<Tensor> totals, gradients;
  for (const bool recompute : {false, true}) {
    const networks::RecomputeScope scope(recompute);
    const Tensor generated =
        FillUniform("generated", {2, 3, 32, 32}).requires_grad_();
    totals.push_back(loss(real, generated).total);
    // A part for each resolution.
    EXPECT_EQ(CountNodes(totals.back(), "RecomputedFunction"),
              recompute ? 2 : 0);
    totals.back().backward();
    gradients.push_back(generated.grad());
  }
  EXPECT_TRUE(torch::equal(totals[0], totals[1]));
  EXPECT_TRUE(torch::equal(gradients[0], gradients[1]));
}

TEST(PerceptualGolden, EveryTermAndTheGradient) {
  const Golden golden =
      LoadGolden("networks/testdata/vgg_perceptual.safetensors");
  PerceptualLoss loss{PerceptualOptions()};
  FillModule("vgg/", *loss->vgg());
  const Tensor real = FillUniform("input/vgg2", {1, 3, 128, 128});
  const Tensor generated =
      FillUniform("input/vgg", {1, 3, 128, 128}).requires_grad_();
  const PerceptualOutput output = loss(real, generated);
  const std::vector<std::string> scales = {"1", "0.5", "0.25", "0.125"};
  for (size_t i = 0; i < output.terms.size(); ++i) {
    const std::string name = "pyr.term_" + scales[i / 5] + "_" +
                             std::to_string(output.terms[i].layer);
    EXPECT_TRUE(golden.Matches(name, output.terms[i].value.view({1}), kTol));
  }
  EXPECT_TRUE(golden.Matches("pyr.perceptual", output.total.view({1}), kTol));
  const Tensor gradient = torch::autograd::grad({output.total}, {generated})[0];
  EXPECT_TRUE(
      golden.Matches("pyr.grad_generated_l2", gradient.norm().view({1}), kTol));
  EXPECT_TRUE(golden.Matches("pyr.grad_generated", gradient, kKinkTol));
}

}  // namespace
}  // namespace losses
