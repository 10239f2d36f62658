// A training step with all losses that every machine has weights for, on each
// kind of device.
#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "cpab/torch/kernel_device.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/testing/devices.h"
#include "networks/testing/stand_in_device.h"
#include "pipelines/optimizer/loss_scale.h"
#include "pipelines/testing/testing_config.h"
#include "pipelines/training/host_values.h"
#include "pipelines/training/learner.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines {
namespace {

data::Batch RandomBatch() {
  torch::manual_seed(1);
  data::Batch batch;
  batch.source = torch::rand({2, 3, 32, 32});
  batch.driving = torch::rand({2, 3, 32, 32});
  return batch;
}

struct Stepped {
  StepReport report;
  std::map<std::string, torch::Tensor> gradients;
  double largest = 0;  // of all gradients
};

Stepped TakeStep(torch::Device device) {
  const auto config = TinyConfig(
      {"losses.photometric=10", "losses.mixture=10", "losses.balance=1",
       "training.background_start_epoch=0", "model.detector.kind=VOTING",
       "losses.structure.weight=0.1", "losses.structure.model=tiny",
       "losses.structure.untrained=true", "losses.structure.input_size=32",
       "losses.structure.max_shift=0.5"});
  auto learner = Learner::Create(*config, device, nullptr);
  EXPECT_THAT(learner, IsOk());
  (*learner)->model().train();
  StageTimer timer;
  const auto result = (*learner)->Step({RandomBatch()}, 0, {}, timer);
  EXPECT_THAT(result, IsOk());
  Stepped stepped = {result->report, {}, 0};
  for (const auto& item : (*learner)->model().named_parameters()) {
    EXPECT_EQ(item.value().device().type(), device.type()) << item.key();
    if (!item.value().grad().defined()) continue;
    const torch::Tensor gradient = item.value().grad().cpu();
    stepped.gradients[item.key()] = gradient;
    stepped.largest =
        std::max(stepped.largest, gradient.abs().max().item<double>());
  }
  return stepped;
}

class LearnerDeviceTest : public networks::test_util::DeviceTest {};

INSTANTIATE_ON_DEVICES(LearnerDeviceTest);

// Losses are sums of thousands of float32 values. Gradients differ by what the
// kinks of L1 losses and of bilinear sampling make of rounding: as those of one
// and two threads do, see parallel_training_test.
TEST_P(LearnerDeviceTest, AStepIsThatOnTheCpu) {
  const Stepped expected = TakeStep(torch::kCPU);
  const Stepped actual = TakeStep(device());
  for (const StepValue& value : expected.report.values()) {
    const double other = actual.report.Get(value.name);
    if (std::isnan(value.value) && std::isnan(other)) continue;
    EXPECT_NEAR(other, value.value, 1e-3 * (1e-2 + std::abs(value.value)))
        << value.name;
  }
  ASSERT_EQ(actual.gradients.size(), expected.gradients.size());
  for (const auto& [name, gradient] : expected.gradients) {
    const double difference =
        (actual.gradients.at(name) - gradient).abs().max().item<double>();
    const double scale =
        std::max(gradient.abs().max().item<double>(), 1e-5 * expected.largest);
    EXPECT_LT(difference / scale, 5e-2) << name;
  }
}

// Where kernels do CPAB's work, as on CUDA with --config=cuda: one copy to the
// host for the losses, which are logged, and the gradients' sizes, after the
// backward pass. Nothing else in a step waits for the device.
TEST(LearnerWaits, OnceInAStep) {
  const std::string why_not = networks::test_util::WhyNoGradientsOnStandIn();
  if (!why_not.empty()) GTEST_SKIP() << why_not;
  cpab::ServeOnHostForTesting(networks::test_util::StandInDevice().type());
  for (const char* gradient : {"IMPLICIT", "DETACHED"}) {
    SCOPED_TRACE(gradient);
    const auto config = TinyConfig(
        {"losses.photometric=10", "losses.mixture=10", "losses.balance=1",
         "training.background_start_epoch=0", "training.ema_decay=0.9",
         "training.accumulation=2", absl::StrCat("model.gradient=", gradient)});
    auto learner =
        Learner::Create(*config, networks::test_util::StandInDevice(), nullptr);
    ASSERT_THAT(learner, IsOk());
    (*learner)->model().train();
    StageTimer timer;
    // The first step takes CPAB's bases and the like to the device.
    for (const int step : {0, 1}) {
      networks::test_util::TakeWaits();
      ASSERT_THAT(
          (*learner)->Step({RandomBatch(), RandomBatch()}, step, {}, timer),
          IsOk());
    }
    EXPECT_THAT(networks::test_util::TakeWaits(),
                testing::ElementsAre("copy to the CPU"));
  }
  cpab::ServeOnHostForTesting(c10::kCPU);
}

// The stand-in has no autocast, so that what FLOAT16 changes here is the loss
// scale, a power of two: it rounds nothing.
TEST(LearnerLossScale, ChangesNoGradient) {
  const std::string why_not = networks::test_util::WhyNoGradientsOnStandIn();
  if (!why_not.empty()) GTEST_SKIP() << why_not;
  std::vector<std::map<std::string, torch::Tensor>> ends;
  for (const char* precision : {"FLOAT32", "FLOAT16"}) {
    const auto config =
        TinyConfig({absl::StrCat("training.precision=", precision),
                    "training.max_gradient=1e-3"});
    auto learner =
        Learner::Create(*config, networks::test_util::StandInDevice(), nullptr);
    ASSERT_THAT(learner, IsOk());
    (*learner)->model().train();
    StageTimer timer;
    const auto result = (*learner)->Step({RandomBatch()}, 0, {}, timer);
    ASSERT_THAT(result, IsOk());
    EXPECT_EQ(result->loss_scale.steps(), ends.size());
    ends.emplace_back();
    for (const auto& item : (*learner)->model().named_parameters()) {
      ends.back()[item.key()] = item.value().detach().cpu();
    }
  }
  for (const auto& [name, value] : ends[0]) {
    EXPECT_TRUE(torch::equal(value, ends[1].at(name))) << name;
  }
}

TEST(LearnerLossScale, IsHalvedInPlaceOfAStepThatOverflows) {
  const std::string why_not = networks::test_util::WhyNoGradientsOnStandIn();
  if (!why_not.empty()) GTEST_SKIP() << why_not;
  const auto config = TinyConfig({"training.precision=FLOAT16"});
  auto learner =
      Learner::Create(*config, networks::test_util::StandInDevice(), nullptr);
  ASSERT_THAT(learner, IsOk());
  (*learner)->model().train();
  const double too_large = std::ldexp(1.0, 126);
  (*learner)->SetLossScale(LossScale(too_large, 5));
  const torch::Tensor before =
      (*learner)->model().parameters()[0].detach().cpu().clone();
  StageTimer timer;
  const auto result = (*learner)->Step({RandomBatch()}, 0, {}, timer);
  ASSERT_THAT(result, IsOk());
  EXPECT_EQ(result->loss_scale.value(), too_large / 2);
  EXPECT_EQ(result->loss_scale.steps(), 0);
  EXPECT_TRUE(
      torch::equal((*learner)->model().parameters()[0].detach().cpu(), before));
  EXPECT_TRUE((*learner)->learnt().adam->State().empty());
}

TEST(LearnerLossScale, IsRefusedOnTheCpu) {
  EXPECT_THAT(Learner::Create(*TinyConfig({"training.precision=FLOAT16"}),
                              torch::kCPU, nullptr)
                  .status(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       testing::HasSubstr("use BFLOAT16 or FLOAT32")));
}

TEST(HostValues, AreFetchedAtOnce) {
  const torch::Tensor x = torch::rand({3}, torch::kFloat64);
  const torch::Tensor on_device = x.to(networks::test_util::StandInDevice());
  networks::test_util::TakeWaits();
  EXPECT_EQ(HostValues({on_device[1], x[0], on_device[2].to(torch::kFloat32)}),
            (std::vector<double>{x[1].item<double>(), x[0].item<double>(),
                                 x[2].item<float>()}));
  EXPECT_THAT(networks::test_util::TakeWaits(),
              testing::ElementsAre("copy to the CPU"));
  EXPECT_TRUE(HostValues({}).empty());
}

}  // namespace
}  // namespace pipelines
