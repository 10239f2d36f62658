// A training step with all losses that every machine has weights for, on each
// kind of device.
#include <torch/types.h>
#include <torch/utils.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "cpab/torch/kernel_device.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/sampling.h"
#include "networks/testing/devices.h"
#include "networks/testing/stand_in_device.h"
#include "pipelines/model/autocast.h"
#include "pipelines/optimizer/loss_scale.h"
#include "pipelines/testing/testing_config.h"
#include "pipelines/training/host_values.h"
#include "pipelines/training/learner.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines {
namespace {

// Smooth images: where the slope of an image jumps at each pixel, rounding
// decides which slope a warp that begins at the identity meets.
data::Batch RandomBatch() {
  torch::manual_seed(1);
  const auto images = [] {
    return networks::ResizeBilinear(torch::rand({2, 3, 5, 5}), 32, 32);
  };
  data::Batch batch;
  batch.source = images();
  batch.driving = images();
  return batch;
}

struct Stepped {
  StepReport report;
  std::map<std::string, torch::Tensor> gradients;
  double largest = 0;  // of all gradients
};

Stepped TakeStep(torch::Device device, const data::Batch& batch) {
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
  const auto result = (*learner)->Step({batch}, 0, {}, timer);
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

double Difference(const torch::Tensor& a, const torch::Tensor& b) {
  return (a - b).abs().max().item<double>();
}

// What images that differ by some epsilon of float32 change: as much as another
// order of sums does.
struct Spread {
  explicit Spread(const Stepped& expected) {
    for (int seed = 0; seed < 4; ++seed) {
      data::Batch batch = RandomBatch();
      torch::manual_seed(100 + seed);
      batch.source += 1e-6 * torch::randn_like(batch.source);
      batch.driving += 1e-6 * torch::randn_like(batch.driving);
      const Stepped other = TakeStep(torch::kCPU, batch);
      for (const StepValue& value : expected.report.values()) {
        double& spread = values[value.name];
        spread = std::max(spread,
                          std::abs(other.report.Get(value.name) - value.value));
      }
      for (const auto& [name, gradient] : expected.gradients) {
        double& spread = gradients[name];
        spread =
            std::max(spread, Difference(other.gradients.at(name), gradient));
      }
    }
  }

  std::map<std::string, double> values, gradients;
};

// Five times what the CPU's own steps differ by, and for what does not feel so
// small changes the rounding of sums of thousands of float32 values.
TEST_P(LearnerDeviceTest, AStepIsThatOnTheCpu) {
  const Stepped expected = TakeStep(torch::kCPU, RandomBatch());
  const Stepped actual = TakeStep(device(), RandomBatch());
  const Spread spread(expected);
  for (const StepValue& value : expected.report.values()) {
    const double other = actual.report.Get(value.name);
    if (std::isnan(value.value) && std::isnan(other)) continue;
    EXPECT_NEAR(other, value.value,
                5 * spread.values.at(value.name) +
                    1e-4 * (1e-2 + std::abs(value.value)))
        << value.name;
  }
  ASSERT_EQ(actual.gradients.size(), expected.gradients.size());
  for (const auto& [name, gradient] : expected.gradients) {
    const double scale =
        std::max(gradient.abs().max().item<double>(), 1e-5 * expected.largest);
    EXPECT_LT(Difference(actual.gradients.at(name), gradient),
              5 * spread.gradients.at(name) + 1e-3 * scale)
        << name;
  }
}

// Of the first step that changes the model: until then FLOAT16 lowers its loss
// scale.
double TotalLoss(torch::Device device, const char* precision) {
  const auto config =
      TinyConfig({absl::StrCat("training.precision=", precision)});
  auto learner = Learner::Create(*config, device, nullptr);
  EXPECT_THAT(learner, IsOk());
  (*learner)->model().train();
  StageTimer timer;
  constexpr int kMostSteps = 40;
  for (int step = 0; step < kMostSteps; ++step) {
    const auto result = (*learner)->Step({RandomBatch()}, step, {}, timer);
    EXPECT_THAT(result, IsOk());
    if ((*learner)->learnt().adam->State().empty()) continue;
    for (const auto& item : (*learner)->model().named_parameters()) {
      EXPECT_EQ(item.value().scalar_type(), torch::kFloat32) << item.key();
      EXPECT_TRUE(torch::isfinite(item.value()).all().item<bool>())
          << item.key();
    }
    return result->report.Get(kTotalLoss);
  }
  ADD_FAILURE() << "no step in " << kMostSteps << " changed the model";
  return 0;
}

// A product of factors of 8 bits is off by 2^-8 of its size at most, and the
// losses compare what some 20 layers make of it: 20^(1/2) 2^-8 = 2 %, by
// several terms.
TEST_P(LearnerDeviceTest, TrainsInFewerDigits) {
  if (device().type() == networks::test_util::StandInDevice().type()) {
    GTEST_SKIP() << "the stand-in device has no autocast of its own";
  }
  const double expected = TotalLoss(device(), "FLOAT32");
  EXPECT_NEAR(TotalLoss(device(), "BFLOAT16"), expected, 0.1 * expected);
  if (device().is_cpu()) return;
  EXPECT_NEAR(TotalLoss(device(), "FLOAT16"), expected, 0.1 * expected);
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

bool StandInHasAutocast() {
  const AutocastScope autocast(TrainingConfig::FLOAT16,
                               networks::test_util::StandInDevice());
  const torch::Tensor x =
      torch::ones({2, 2}).to(networks::test_util::StandInDevice());
  return torch::mm(x, x).scalar_type() == torch::kHalf;
}

// Without autocast, what FLOAT16 changes is the loss scale, a power of two: it
// rounds nothing.
TEST(LearnerLossScale, ChangesNoGradient) {
  const std::string why_not = networks::test_util::WhyNoGradientsOnStandIn();
  if (!why_not.empty()) GTEST_SKIP() << why_not;
  if (StandInHasAutocast()) {
    GTEST_SKIP() << "this LibTorch has autocast for the stand-in device's type";
  }
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
  std::vector<torch::Tensor> before;
  for (const torch::Tensor& parameter : (*learner)->model().parameters()) {
    before.push_back(parameter.detach().cpu().clone());
  }
  StageTimer timer;
  const auto result = (*learner)->Step({RandomBatch()}, 0, {}, timer);
  ASSERT_THAT(result, IsOk());
  EXPECT_EQ(result->loss_scale.value(), too_large / 2);
  EXPECT_EQ(result->loss_scale.steps(), 0);
  const std::vector<torch::Tensor> after = (*learner)->model().parameters();
  for (size_t i = 0; i < before.size(); ++i) {
    EXPECT_TRUE(torch::equal(after[i].detach().cpu(), before[i])) << i;
  }
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
