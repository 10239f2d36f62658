#include "pipelines/training/learner.h"

#include <torch/types.h>
#include <torch/utils.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/weights/tensor_map.h"
#include "pipelines/optimizer/adam.h"
#include "pipelines/parallel/free_port.h"
#include "pipelines/testing/testing_config.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines {
namespace {

using ::absl::StatusCode;
using parallel::ProcessEnvironment;
using parallel::ProcessGroup;

data::Batch RandomBatch(int seed) {
  torch::manual_seed(seed);
  data::Batch batch;
  batch.source = torch::rand({2, 3, 32, 32});
  batch.driving = torch::rand({2, 3, 32, 32});
  return batch;
}

// The groups of two processes, here threads.
std::vector<std::shared_ptr<ProcessGroup>> JoinTwo() {
  ProcessEnvironment environment;
  environment.size = 2;
  environment.address = "127.0.0.1";
  environment.port = parallel::FreePort();
  std::vector<std::shared_ptr<ProcessGroup>> groups(2);
  std::vector<std::thread> threads;
  for (int rank = 0; rank < 2; ++rank) {
    threads.emplace_back([environment, rank, &groups]() mutable {
      environment.rank = rank;
      groups[rank] =
          *ProcessGroup::Join(environment, torch::kCPU, absl::Seconds(60));
    });
  }
  for (std::thread& thread : threads) thread.join();
  return groups;
}

// Two jobs of one process do not disturb each other.
TEST(Learner, IsMadeByItsSeedAloneAndLeavesTheGenerator) {
  torch::manual_seed(1);
  const torch::Tensor expected = torch::rand({5});
  std::vector<networks::weights::TensorMap> made;
  for (const int seed : {1, 2}) {
    torch::manual_seed(seed);
    const auto learner = Learner::Create(*TinyConfig(), torch::kCPU, nullptr);
    ASSERT_THAT(learner, IsOk());
    if (seed == 1) {
      EXPECT_TRUE(torch::equal(torch::rand({5}), expected));
    }
    made.push_back(TensorsOf((*learner)->learnt()));
  }
  ASSERT_EQ(made[0].size(), made[1].size());
  for (const auto& [name, tensor] : made[0]) {
    EXPECT_TRUE(torch::equal(tensor, made[1].at(name))) << name;
  }
}

TEST(Learner, ReportsWhatItsLayoutSays) {
  const auto learner = Learner::Create(*TinyConfig(), torch::kCPU, nullptr);
  ASSERT_THAT(learner, IsOk());
  StageTimer timer;
  const auto result = (*learner)->Step({RandomBatch(1)}, 0, {}, timer);
  ASSERT_THAT(result, IsOk());
  const StepReport layout = (*learner)->Layout();
  ASSERT_EQ(result->report.values().size(), layout.values().size());
  double sum = 0;
  for (size_t i = 0; i < layout.values().size(); ++i) {
    const StepValue& value = result->report.values()[i];
    EXPECT_EQ(value.name, layout.values()[i].name);
    EXPECT_TRUE(std::isfinite(value.value)) << value.name;
    if (i > 0 && value.kind == StepValueKind::kLoss) sum += value.value;
  }
  // Some terms of order 10 in float32.
  EXPECT_NEAR(result->report.Get(kTotalLoss), sum, 1e-4);
}

// As where a layer divides by a number that has become 0.
TEST(Learner, NamesTheParameterWhoseGradientIsNotFiniteAndTakesNoStep) {
  const auto learner = Learner::Create(*TinyConfig(), torch::kCPU, nullptr);
  ASSERT_THAT(learner, IsOk());
  StageTimer timer;
  ASSERT_THAT((*learner)->Step({RandomBatch(1)}, 0, {}, timer), IsOk());
  const std::string name = "inpainting_network.final.weight";
  auto parameters = (*learner)->model().named_parameters();
  std::vector<torch::Tensor> before;
  for (const auto& parameter : parameters) {
    before.push_back(parameter.value().detach().clone());
  }
  parameters[name].register_hook([](const torch::Tensor& gradient) {
    torch::Tensor broken = gradient.clone();
    broken[0][0][0][0].fill_(std::nan(""));
    return broken;
  });
  EXPECT_THAT((*learner)->Step({RandomBatch(2)}, 1, {}, timer).status(),
              StatusIs(StatusCode::kOutOfRange,
                       "step 2: the gradient of " + name +
                           " is not finite, though the loss is"));
  for (size_t i = 0; i < before.size(); ++i) {
    EXPECT_TRUE(torch::equal(parameters[i].value(), before[i]))
        << parameters[i].key();
  }
}

// 1 where no gradient goes through a fit; else the share that came back exact.
TEST(Learner, ReportsHowFarTheGradientOfTheFitsIsToBeTrusted) {
  for (const std::string kind : {"DETACHED", "IMPLICIT"}) {
    const auto learner = Learner::Create(
        *TinyConfig({"model.gradient=" + kind}), torch::kCPU, nullptr);
    ASSERT_THAT(learner, IsOk());
    StageTimer timer;
    const auto result = (*learner)->Step({RandomBatch(1)}, 0, {}, timer);
    ASSERT_THAT(result, IsOk());
    const double exact = result->report.Get("exact_gradient");
    if (kind == "DETACHED") {
      EXPECT_EQ(exact, 1);
    } else {
      // Were it read before the backward pass, it would be 0.
      EXPECT_GT(exact, 0);
      EXPECT_LE(exact, 1);
    }
  }
}

// The original clips the gradients of all networks but one.
TEST(Learner, ClipsAllButTheInpaintingNetwork) {
  constexpr double kMax = 1e-4;
  const auto learner = Learner::Create(
      *TinyConfig({"training.max_gradient=1e-4"}), torch::kCPU, nullptr);
  ASSERT_THAT(learner, IsOk());
  StageTimer timer;
  const auto result = (*learner)->Step({RandomBatch(1)}, 0, {}, timer);
  ASSERT_THAT(result, IsOk());
  for (const auto& part : (*learner)->model().named_children()) {
    const double before = result->report.Get("gradient_" + part.key());
    const double after = LargestGradient(*part.value()).item<double>();
    EXPECT_GT(before, kMax) << part.key();
    if (part.key() == "inpainting_network") {
      EXPECT_EQ(after, before);
    } else {
      EXPECT_LE(after, kMax * (1 + 1e-6)) << part.key();
    }
  }
}

// The first step of Adam moves each weight by nearly its rate.
TEST(Learner, TakesTheRateOfEachModule) {
  const auto learner = Learner::Create(
      *TinyConfig({"training.learning_rate=1e-3", "training.weight_decay=0",
                   "training.learning_rate_scales.kp_detector=0.5",
                   "training.learning_rate_scales.dense_motion_network=0.1",
                   "training.learning_rate_scales.inpainting_network=2",
                   "training.learning_rate_scales.bg_predictor=0.01"}),
      torch::kCPU, nullptr);
  ASSERT_THAT(learner, IsOk());
  AnimationModel& model = (*learner)->model();
  std::map<std::string, torch::Tensor> before;
  for (const auto& item : model.named_parameters()) {
    before[item.key()] = item.value().detach().clone();
  }
  StageTimer timer;
  const auto result = (*learner)->Step({RandomBatch(1)}, 0, {}, timer);
  ASSERT_THAT(result, IsOk());
  EXPECT_EQ(result->report.Get("learning_rate"), 1e-3);
  std::map<std::string, double> largest;
  for (const auto& item : model.named_parameters()) {
    double& most = largest[item.key().substr(0, item.key().find('.'))];
    most = std::max(most, (item.value().detach() - before[item.key()])
                              .abs()
                              .max()
                              .item<double>());
  }
  // Float32 weights around 1 are stored to 6e-8.
  EXPECT_NEAR(largest.at("kp_detector"), 5e-4, 1e-6);
  EXPECT_NEAR(largest.at("dense_motion_network"), 1e-4, 1e-6);
  EXPECT_NEAR(largest.at("inpainting_network"), 2e-3, 1e-6);
  EXPECT_NEAR(largest.at("bg_predictor"), 1e-5, 1e-6);
}

// The loss is continuous: it rounds. Its gradient is not: a rounding error may
// put a pixel on the other side of a kink of sampling, of a ReLU or of an L1
// norm, and of 32 x 32 pixels one counts some per cent (3 % were seen of images
// 2e-7 apart, 19 % of images 1e-5 apart). Gradients of another order of
// channels would be uncorrelated, 1.4 times their norm apart.
TEST(Learner, ChannelsLastChangesRoundingOnly) {
  std::vector<double> totals;
  std::vector<torch::Tensor> gradients;
  for (const char* value : {"false", "true"}) {
    auto learner = Learner::Create(
        *TinyConfig({absl::StrCat("training.channels_last=", value)}),
        torch::kCPU, nullptr);
    ASSERT_THAT(learner, IsOk());
    (*learner)->model().train();
    EXPECT_EQ((*learner)
                  ->model()
                  .named_parameters()["inpainting_network.final.weight"]
                  .is_contiguous(torch::MemoryFormat::ChannelsLast),
              value == std::string("true"));
    StageTimer timer;
    const auto result = (*learner)->Step({RandomBatch(1)}, 0, {}, timer);
    ASSERT_THAT(result, IsOk());
    totals.push_back(result->report.Get(kTotalLoss));
    std::vector<torch::Tensor> flat;
    for (const torch::Tensor& parameter : (*learner)->model().parameters()) {
      flat.push_back(parameter.grad().reshape(-1));
    }
    gradients.push_back(torch::cat(flat));
  }
  EXPECT_NEAR(totals[1], totals[0], 1e-4 * totals[0]);
  EXPECT_LT((gradients[1] - gradients[0]).norm().item<double>(),
            0.5 * gradients[0].norm().item<double>());
}

// It makes no difference to what comes after it.
TEST(Learner, ARehearsalChangesNothing) {
  std::vector<networks::weights::TensorMap> ends;
  for (const bool rehearses : {false, true}) {
    auto learner = Learner::Create(*TinyConfig({"training.ema_decay=0.9"}),
                                   torch::kCPU, nullptr);
    ASSERT_THAT(learner, IsOk());
    (*learner)->model().train();
    StageTimer timer;
    for (int64_t step = 0; step < 2; ++step) {
      if (rehearses) {
        ASSERT_THAT((*learner)->Rehearse({RandomBatch(7)}, 5), IsOk());
      }
      ASSERT_THAT((*learner)->Step({RandomBatch(1)}, step, {}, timer), IsOk());
    }
    ends.push_back(TensorsOf((*learner)->learnt()));
  }
  ASSERT_EQ(ends[0].size(), ends[1].size());
  for (const auto& [name, tensor] : ends[0]) {
    EXPECT_TRUE(torch::equal(tensor, ends[1].at(name))) << name;
  }
}

// The other process is lost between the two halves of the forward pass: it
// detects keypoints in the sources, with statistics over both, and cannot in
// driving frames of four channels.
TEST(Learner, AStepWithoutTheOtherProcessLeavesEverythingAsItWas) {
  std::vector<std::shared_ptr<ProcessGroup>> groups = JoinTwo();
  std::vector<std::unique_ptr<Learner>> learners;
  for (std::shared_ptr<ProcessGroup>& group : groups) {
    auto learner = Learner::Create(*TinyConfig({"training.ema_decay=0.9"}),
                                   torch::kCPU, std::move(group));
    ASSERT_THAT(learner, IsOk());
    learners.push_back(*std::move(learner));
  }
  std::vector<std::pair<std::string, torch::Tensor>> before;
  for (const auto& [name, tensor] : TensorsOf(learners[0]->learnt())) {
    before.emplace_back(name, tensor.clone());
  }
  const data::Batch whole = RandomBatch(1);
  data::Batch broken = RandomBatch(2);
  broken.driving = torch::rand({2, 4, 32, 32});
  std::thread other([&] {
    StageTimer timer;
    EXPECT_ANY_THROW(learners[1]->Step({broken}, 0, {}, timer).IgnoreError());
    learners[1] = nullptr;
  });
  StageTimer timer;
  const auto result = learners[0]->Step({whole}, 0, {}, timer);
  other.join();
  EXPECT_THAT(result.status(), StatusIs(StatusCode::kUnavailable, testing::_));
  const auto after = TensorsOf(learners[0]->learnt());
  for (const auto& [name, tensor] : before) {
    EXPECT_TRUE(torch::equal(tensor, after.at(name))) << name;
  }
}

}  // namespace
}  // namespace pipelines
