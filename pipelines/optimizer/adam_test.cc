#include "pipelines/optimizer/adam.h"

#include <torch/nn/modules/linear.h>
#include <torch/optim/adam.h>

#include "gtest/gtest.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines {
namespace {

using ::testing::HasSubstr;

constexpr AdamOptions kOptions = {0.5, 0.999, 1e-8, 1e-2};

torch::Tensor Loss(torch::nn::Linear& layer, int step) {
  const torch::Tensor x =
      torch::arange(6, torch::kFloat32).view({2, 3}) * (0.1 * step + 1);
  return layer(x).square().sum();
}

torch::nn::Linear MakeLayer() {
  torch::manual_seed(1);
  return torch::nn::Linear(3, 2);
}

// The library's own is the oracle. Both do the same operations in another
// order: a few roundings a step, here seen below 1e-7 after 5 steps.
TEST(Adam, AgreesWithLibTorch) {
  torch::nn::Linear ours = MakeLayer();
  torch::nn::Linear theirs = MakeLayer();
  Adam adam(*ours, kOptions);
  torch::optim::Adam oracle(
      theirs->parameters(),
      torch::optim::AdamOptions(1e-2).betas({0.5, 0.999}).weight_decay(1e-2));
  for (int step = 0; step < 5; ++step) {
    adam.ZeroGrad();
    Loss(ours, step).backward();
    adam.Step(1e-2);
    oracle.zero_grad();
    Loss(theirs, step).backward();
    oracle.step();
  }
  EXPECT_TRUE(torch::allclose(ours->weight, theirs->weight, 0, 1e-6));
  EXPECT_TRUE(torch::allclose(ours->bias, theirs->bias, 0, 1e-6));
}

TEST(Adam, GoesOnFromItsStateBitForBit) {
  torch::nn::Linear whole = MakeLayer();
  torch::nn::Linear halves = MakeLayer();
  Adam whole_adam(*whole, kOptions);
  auto halves_adam = std::make_unique<Adam>(*halves, kOptions);
  for (int step = 0; step < 4; ++step) {
    if (step == 2) {
      auto resumed = std::make_unique<Adam>(*halves, kOptions);
      ASSERT_THAT(resumed->SetState(halves_adam->State()), IsOk());
      halves_adam = std::move(resumed);
    }
    for (auto& [layer, adam] : {std::pair(&whole, &whole_adam),
                                std::pair(&halves, halves_adam.get())}) {
      adam->ZeroGrad();
      Loss(*layer, step).backward();
      adam->Step(1e-2);
    }
  }
  EXPECT_TRUE(torch::equal(whole->weight, halves->weight));
}

TEST(Adam, LeavesParametersWithoutGradientAlone) {
  torch::nn::Linear layer = MakeLayer();
  Adam adam(*layer, kOptions);
  adam.ZeroGrad();
  const torch::Tensor before = layer->weight.detach().clone();
  adam.Step(1e-2);
  EXPECT_TRUE(torch::equal(layer->weight, before));
  EXPECT_TRUE(adam.State().empty());
}

TEST(Adam, RefusesStateOfAnotherModel) {
  torch::nn::Linear layer = MakeLayer();
  Adam adam(*layer, kOptions);
  Loss(layer, 0).backward();
  adam.Step(1e-2);
  torch::nn::Linear other(4, 2);
  EXPECT_THAT(
      Adam(*other, kOptions).SetState(adam.State()),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("weight")));
}

TEST(ClipGradients, BoundsTheLargestGradient) {
  torch::nn::Linear layer = MakeLayer();
  Loss(layer, 0).backward();
  const double before = GradientInfinityNorm(*layer);
  ASSERT_GT(before, 1);
  EXPECT_EQ(ClipGradients(*layer, 1), before);
  // max / (norm + 1e-6) is a little below the exact quotient.
  EXPECT_NEAR(GradientInfinityNorm(*layer), 1, 1e-5);
  EXPECT_NEAR(ClipGradients(*layer, 100), 1, 1e-5);
  EXPECT_NEAR(GradientInfinityNorm(*layer), 1, 1e-5);
}

}  // namespace
}  // namespace pipelines
