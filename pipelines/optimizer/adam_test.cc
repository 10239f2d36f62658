#include "pipelines/optimizer/adam.h"

#include <ATen/Parallel.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/linear.h>
#include <torch/optim/adam.h>
#include <torch/utils.h>

#include <cmath>
#include <memory>
#include <utility>
#include <vector>

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

// A large parameter is updated in parts, and a transposed one as a whole. Whole
// vectors: LibTorch may round in another way beyond the last one.
TEST(Adam, UpdatesLargeParametersInPartsWithTheBitsOfTheWhole) {
  const int threads = at::get_num_threads();
  torch::manual_seed(2);
  torch::nn::Linear contiguous(320, 256);
  torch::nn::Linear transposed(320, 256);
  {
    const torch::NoGradGuard no_grad;
    transposed->weight.set_data(
        contiguous->weight.t().contiguous().t().detach());
    transposed->bias.copy_(contiguous->bias);
  }
  ASSERT_FALSE(transposed->weight.is_contiguous());
  Adam parts(*contiguous, kOptions), whole(*transposed, kOptions);
  for (int step = 0; step < 3; ++step) {
    const torch::Tensor gradient = torch::randn({256, 320});
    contiguous->weight.mutable_grad() = gradient;
    transposed->weight.mutable_grad() = gradient.t().contiguous().t();
    at::set_num_threads(3);
    parts.Step(1e-2);
    at::set_num_threads(1);
    whole.Step(1e-2);
  }
  at::set_num_threads(threads);
  EXPECT_TRUE(torch::equal(contiguous->weight, transposed->weight));
}

TEST(LargestGradient, IsTheLargestAbsoluteValueOrNotANumber) {
  torch::nn::Linear layer = MakeLayer();
  EXPECT_EQ(LargestGradient(*layer).item<double>(), 0);
  layer->weight.mutable_grad() =
      torch::tensor({{1.f, -3.f, 0.f}, {2.f, 0.5f, -1.f}});
  EXPECT_EQ(LargestGradient(*layer).item<double>(), 3);
  layer->bias.mutable_grad() = torch::tensor({4.f, -2.f});
  EXPECT_EQ(LargestGradient(*layer).item<double>(), 4);
  layer->bias.grad()[0] = NAN;
  EXPECT_TRUE(std::isnan(LargestGradient(*layer).item<double>()));
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

torch::nn::Sequential MakeLayers() {
  torch::manual_seed(1);
  return torch::nn::Sequential(torch::nn::Linear(3, 2),
                               torch::nn::Linear(2, 2));
}

// The first step of Adam is, but for epsilon, the rate in the direction of the
// gradient's sign, so that its size is the rate itself.
TEST(Adam, ScalesTheRateOfAModule) {
  torch::nn::Sequential plain = MakeLayers();
  torch::nn::Sequential scaled = MakeLayers();
  const auto step = [](torch::nn::Sequential& layers, Adam* adam) {
    layers->forward(torch::ones({1, 3})).square().sum().backward();
    std::vector<torch::Tensor> before;
    for (const torch::Tensor& parameter : layers->parameters()) {
      before.push_back(parameter.detach().clone());
    }
    adam->Step(1e-2);
    std::vector<torch::Tensor> moved;
    for (size_t i = 0; i < before.size(); ++i) {
      moved.push_back(layers->parameters()[i].detach() - before[i]);
    }
    return moved;
  };
  Adam plain_adam(*plain, kOptions), scaled_adam(*scaled, kOptions);
  scaled_adam.SetRateScale("1", 0.25);
  const auto whole = step(plain, &plain_adam);
  const auto part = step(scaled, &scaled_adam);
  // weight and bias of layer 0, then of layer 1.
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_TRUE(i < 2 ? torch::equal(part[i], whole[i])
                      : torch::allclose(part[i], 0.25 * whole[i], 1e-3, 1e-7))
        << i;
  }
}

// "1" is no part of "10".
TEST(Adam, ScalesNoModuleWhoseNameBeginsAlike) {
  torch::nn::Sequential plain, scaled;
  for (torch::nn::Sequential* layers : {&plain, &scaled}) {
    torch::manual_seed(1);
    for (int i = 0; i < 11; ++i) (*layers)->push_back(torch::nn::Linear(2, 2));
  }
  Adam plain_adam(*plain, kOptions), scaled_adam(*scaled, kOptions);
  scaled_adam.SetRateScale("1", 0.25);
  for (auto& [layers, adam] :
       {std::pair(&plain, &plain_adam), std::pair(&scaled, &scaled_adam)}) {
    (*layers)->forward(torch::ones({1, 2})).square().sum().backward();
    adam->Step(1e-2);
  }
  const auto a = plain->named_parameters(), b = scaled->named_parameters();
  EXPECT_TRUE(torch::equal(a["10.weight"], b["10.weight"]));
  EXPECT_FALSE(torch::equal(a["1.weight"], b["1.weight"]));
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
  const double before = LargestGradient(*layer).item<double>();
  ASSERT_GT(before, 1);
  ClipGradients(*layer, before, 1);
  // max / (norm + 1e-6) is a little below the exact quotient.
  EXPECT_NEAR(LargestGradient(*layer).item<double>(), 1, 1e-5);
  ClipGradients(*layer, 1, 100);
  EXPECT_NEAR(LargestGradient(*layer).item<double>(), 1, 1e-5);
}

}  // namespace
}  // namespace pipelines
