#include "pipelines/training/objective.h"

#include <torch/types.h>
#include <torch/utils.h>

#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/background.h"
#include "networks/blocks.h"
#include "networks/dense_motion.h"
#include "networks/inpainting.h"
#include "networks/testing/graph.h"
#include "pipelines/optimizer/adam.h"
#include "pipelines/testing/testing_config.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines {
namespace {

std::shared_ptr<AnimationModel> MakeModel() {
  torch::manual_seed(3);
  return *AnimationModel::Create(TinyConfig()->model());
}

torch::Tensor RandomImages(int64_t batch, int seed) {
  torch::manual_seed(seed);
  return torch::rand({batch, 3, 32, 32});
}

TEST(Objective, GivesEveryTermAndReachesEveryNetwork) {
  auto model = MakeModel();
  auto objective = Objective::Create(*TinyConfig(), torch::kCPU);
  ASSERT_THAT(objective, IsOk());
  StageTimer timer;
  const StepOutput out = (*objective)(*model, RandomImages(2, 1),
                                      RandomImages(2, 2), {0, 0}, timer);
  std::vector<std::string> names;
  for (const auto& [name, value] : out.terms) {
    names.push_back(name);
    EXPECT_TRUE(std::isfinite(value.item<float>())) << name;
  }
  EXPECT_EQ(names, objective->TermNames());
  out.total.backward();
  for (const auto& child : model->named_children()) {
    EXPECT_GT(LargestGradient(*child.value()).item<double>(), 0) << child.key();
  }
}

// Of every term, with all of them on.
std::vector<std::string> AllTerms() {
  return {"losses.warp=10",
          "losses.photometric=100",
          "losses.mixture=100",
          "losses.balance=5",
          "losses.locality=20",
          "losses.equivariance=10",
          "losses.background=10",
          "losses.perceptual.layer_weights=[10, 10, 10, 10, 10]",
          "losses.semantic.weight=1",
          "losses.semantic.model=tiny",
          "losses.semantic.untrained=true",
          "losses.structure.weight=0.1",
          "losses.structure.model=tiny",
          "losses.structure.untrained=true",
          "losses.structure.input_size=32"};
}

std::vector<std::string> StructureTerm() {
  return {"losses.structure.weight=0.1", "losses.structure.model=tiny",
          "losses.structure.untrained=true", "losses.structure.input_size=32"};
}

std::map<std::string, double> TermsOf(const std::vector<std::string>& config,
                                      double* total) {
  auto model = MakeModel();
  // The background predictor begins at the identity, of which the loss is 0.
  {
    const torch::NoGradGuard no_grad;
    for (const torch::Tensor& p : model->parts().background->parameters()) {
      p.add_(0.01);
    }
  }
  auto objective = Objective::Create(*TinyConfig(config), torch::kCPU);
  EXPECT_THAT(objective, IsOk());
  StageTimer timer;
  const StepOutput out = (*objective)(*model, RandomImages(2, 1),
                                      RandomImages(2, 2), {0, 0}, timer);
  std::map<std::string, double> terms;
  for (const auto& [name, value] : out.terms) {
    terms[name] = value.item<double>();
  }
  *total = out.total.item<double>();
  EXPECT_EQ(terms.size(), LossTerms().size());
  return terms;
}

// Nine terms in float32, of which the largest is nearly the sum: each addition
// rounds by 6e-8 of it.
TEST(Objective, IsTheSumOfItsTerms) {
  double total = 0, sum = 0;
  for (const auto& [name, value] : TermsOf(AllTerms(), &total)) sum += value;
  EXPECT_NEAR(total, sum, 1e-6 * sum);
}

// Multiplying by two is exact in binary, and so is everything before it.
TEST(Objective, HasTwiceATermWhereItsWeightIsTwiceAsLarge) {
  const std::map<std::string, std::string> twice = {
      {"perceptual", "losses.perceptual.layer_weights=[20, 20, 20, 20, 20]"},
      {"warp", "losses.warp=20"},
      {"photometric", "losses.photometric=200"},
      {"mixture", "losses.mixture=200"},
      {"balance", "losses.balance=10"},
      {"locality", "losses.locality=40"},
      {"equivariance", "losses.equivariance=20"},
      {"background", "losses.background=20"},
      {"semantic", "losses.semantic.weight=2"},
      {"structure", "losses.structure.weight=0.2"}};
  double total = 0;
  const std::map<std::string, double> once = TermsOf(AllTerms(), &total);
  for (const LossTerm& term : LossTerms()) {
    ASSERT_EQ(twice.count(term.name), 1u) << term.name;
    std::vector<std::string> config = AllTerms();
    config.push_back(twice.at(term.name));
    for (const auto& [name, value] : TermsOf(config, &total)) {
      EXPECT_GT(value, 0) << name;
      EXPECT_EQ(value, (name == term.name ? 2 : 1) * once.at(name))
          << name << " with twice " << term.name;
    }
  }
}

TEST(Objective, GivesEachTermTheFieldsOfItsLoss) {
  constexpr struct {
    const char* term;
    const char* field;
  } kFields[] = {{"locality", "losses.locality_radius=0.1"},
                 {"equivariance", "losses.equivariance_warp.sigma_affine=0.2"},
                 {"equivariance", "losses.equivariance_warp.sigma_tps=0.1"},
                 {"equivariance", "losses.equivariance_warp.points=3"}};
  double total = 0;
  const std::map<std::string, double> before = TermsOf(AllTerms(), &total);
  for (const auto& [term, field] : kFields) {
    std::vector<std::string> config = AllTerms();
    config.push_back(field);
    for (const auto& [name, value] : TermsOf(config, &total)) {
      EXPECT_EQ(value != before.at(name), name == term)
          << name << " with " << field;
    }
  }
}

// What a layer of more than 256 x 256 channels gives, which goes another way,
// and rounds otherwise, where fast convolutions are on.
torch::Tensor of_large_layer;
void CallLargeLayer() {
  if (of_large_layer.defined()) return;
  torch::manual_seed(9);
  networks::SameConv2d layer(256, 264, 3);
  of_large_layer = layer(torch::rand({1, 256, 24, 24})).detach();
}

TEST(Objective, HasFastConvolutionsWhereTheConfigSaysSo) {
  auto model = MakeModel();
  for (const bool is_fast : {false, true}) {
    const std::string value = is_fast ? "true" : "false";
    auto objective = Objective::Create(
        *TinyConfig({"training.fast_convolutions=" + value}), torch::kCPU);
    ASSERT_THAT(objective, IsOk());
    of_large_layer.reset();
    StageTimer timer(CallLargeLayer);  // in the middle of a step
    (*objective)(*model, RandomImages(2, 1), RandomImages(2, 2), {0, 0}, timer);
    const torch::Tensor in_step = of_large_layer;
    of_large_layer.reset();
    const networks::LargeConvolutionScope scope(is_fast);
    CallLargeLayer();
    EXPECT_TRUE(torch::equal(in_step, of_large_layer)) << value;
  }
}

TEST(Objective, GivesTheSameGradientsWhereItRecomputes) {
  std::vector<std::vector<torch::Tensor>> gradients;
  for (const std::string value : {"false", "true"}) {
    auto model = MakeModel();
    auto objective = Objective::Create(
        *TinyConfig({"training.recompute=" + value}), torch::kCPU);
    ASSERT_THAT(objective, IsOk());
    StageTimer timer;
    const StepOutput out = (*objective)(*model, RandomImages(2, 1),
                                        RandomImages(2, 2), {0, 0}, timer);
    const int num_parts =
        networks::test_util::CountNodes(out.total, "RecomputedFunction");
    EXPECT_EQ(num_parts > 0, value == "true");
    out.total.backward();
    gradients.push_back({out.total.detach()});
    for (const torch::Tensor& parameter : model->parameters()) {
      gradients.back().push_back(parameter.grad());
    }
  }
  for (size_t i = 0; i < gradients[0].size(); ++i) {
    EXPECT_EQ(gradients[0][i].defined(), gradients[1][i].defined()) << i;
    if (!gradients[0][i].defined()) continue;
    EXPECT_TRUE(torch::equal(gradients[0][i], gradients[1][i])) << i;
  }
}

// A weight of 0 takes a term out, and its column with it.
TEST(Objective, IsWithoutTermsThatAreSwitchedOff) {
  const auto names = [](const std::vector<std::string>& overrides) {
    return Objective::Create(*TinyConfig(overrides), torch::kCPU)->TermNames();
  };
  EXPECT_THAT(
      names({"losses.warp=0", "losses.equivariance=0", "losses.background=0"}),
      testing::ElementsAre("perceptual"));
  EXPECT_THAT(names({"model.background=false"}),
              testing::ElementsAre("perceptual", "warp", "equivariance"));
}

TEST(Objective, AddsSemanticAndStructureTerms) {
  auto model = MakeModel();
  auto objective = Objective::Create(
      *TinyConfig({"losses.semantic.weight=1", "losses.semantic.model=tiny",
                   "losses.semantic.untrained=true",
                   "losses.structure.weight=0.1", "losses.structure.model=tiny",
                   "losses.structure.untrained=true",
                   "losses.structure.input_size=32"}),
      torch::kCPU);
  ASSERT_THAT(objective, IsOk());
  StageTimer timer;
  const StepOutput out = (*objective)(*model, RandomImages(2, 1),
                                      RandomImages(2, 2), {0, 0}, timer);
  EXPECT_EQ(out.terms.size(), 6u);
  EXPECT_EQ(objective->TermNames().back(), "structure");
  for (const auto& [name, value] : out.terms) {
    // The background predictor begins at the identity: nothing is lost yet.
    if (name != "background") {
      EXPECT_GT(value.item<float>(), 0) << name;
    }
  }
  out.total.backward();
}

TEST(Objective, DrawsTheSameForTheSameStepAndOtherwiseOthers) {
  auto model = MakeModel();
  auto objective = Objective::Create(*TinyConfig(), torch::kCPU);
  ASSERT_THAT(objective, IsOk());
  StageTimer timer;
  const auto total = [&](int64_t step) {
    return (*objective)(*model, RandomImages(2, 1), RandomImages(2, 2),
                        {step, 0}, timer)
        .total.item<float>();
  };
  EXPECT_EQ(total(5), total(5));
  EXPECT_NE(total(5), total(6));
}

// Without dropout, so that the structure loss has nothing else that is random;
// the other terms are as without shifts.
TEST(Objective, ShiftsTheStructureLossAnewAtEachStep) {
  auto model = MakeModel();
  StageTimer timer;
  const auto terms = [&](const char* shift, int64_t step) {
    std::vector<std::string> config = StructureTerm();
    config.insert(config.end(),
                  {shift, "training.candidate_dropout.end_epoch=0"});
    auto objective = Objective::Create(*TinyConfig(config), torch::kCPU);
    EXPECT_THAT(objective, IsOk());
    std::map<std::string, float> values;
    for (const auto& [name, value] :
         (*objective)(*model, RandomImages(2, 1), RandomImages(2, 2), {step, 0},
                      timer)
             .terms) {
      values[name] = value.item<float>();
    }
    return values;
  };
  const char* const kOn = "losses.structure.max_shift=0.5";
  const char* const kOff = "losses.structure.max_shift=0";
  const auto shifted = terms(kOn, 5);
  EXPECT_EQ(terms(kOn, 5), shifted);
  EXPECT_NE(terms(kOn, 6).at("structure"), shifted.at("structure"));
  auto plain = terms(kOff, 5);
  EXPECT_EQ(terms(kOff, 6).at("structure"), plain.at("structure"));
  EXPECT_NE(plain.at("structure"), shifted.at("structure"));
  plain["structure"] = shifted.at("structure");
  EXPECT_EQ(plain, shifted);
}

// With dropout, a random warp and shifts: a step of one batch of 4 against two
// slices. In eval mode, for the statistics of batch norms are of a batch. Sums
// of some thousand float32, of which the order differs, agree to 1e-5.
TEST(Objective, OfAStepIsTheMeanOverItsSlices) {
  auto model = MakeModel();
  model->eval();
  std::vector<std::string> config = StructureTerm();
  config.push_back("losses.structure.max_shift=0.5");
  auto objective = Objective::Create(*TinyConfig(config), torch::kCPU);
  ASSERT_THAT(objective, IsOk());
  StageTimer timer(nullptr);
  const torch::Tensor source = RandomImages(4, 1);
  const torch::Tensor driving = RandomImages(4, 2);
  const auto terms = [&](int64_t first, int64_t count, StepPlace place) {
    std::map<std::string, double> values;
    for (const auto& [name, value] :
         (*objective)(*model, source.narrow(0, first, count),
                      driving.narrow(0, first, count), place, timer)
             .terms) {
      values[name] = value.item<double>();
    }
    return values;
  };
  const auto whole = terms(0, 4, {7, 0, 0, 1});
  const auto first = terms(0, 2, {7, 0, 0, 2});
  const auto second = terms(2, 2, {7, 0, 1, 2});
  ASSERT_GE(whole.size(), 4u);
  for (const auto& [name, value] : whole) {
    EXPECT_NEAR((first.at(name) + second.at(name)) / 2, value, 1e-5 * value)
        << name;
  }
}

TEST(Objective, LeavesTheBackgroundOutUntilItStarts) {
  auto model = MakeModel();
  auto objective = Objective::Create(
      *TinyConfig({"training.background_start_epoch=1"}), torch::kCPU);
  ASSERT_THAT(objective, IsOk());
  StageTimer timer;
  const auto num_terms = [&](int64_t epoch) {
    return (*objective)(*model, RandomImages(2, 1), RandomImages(2, 2),
                        {0, epoch}, timer)
        .terms.size();
  };
  EXPECT_EQ(num_terms(0) + 1, num_terms(1));
}

TEST(Objective, TeachesOnlyMotionInTheFirstSteps) {
  auto model = MakeModel();
  auto objective = Objective::Create(
      *TinyConfig({"losses.photometric=100", "losses.mixture=100",
                   "losses.balance=5", "training.motion_steps=3"}),
      torch::kCPU);
  ASSERT_THAT(objective, IsOk());
  StageTimer timer;
  const auto names = [&](int64_t step) {
    const StepOutput out = (*objective)(*model, RandomImages(2, 1),
                                        RandomImages(2, 2), {step, 0}, timer);
    model->zero_grad();
    out.total.backward();
    std::vector<std::string> result;
    for (const auto& [name, value] : out.terms) result.push_back(name);
    return result;
  };
  EXPECT_THAT(names(2),
              testing::ElementsAre("photometric", "mixture", "balance",
                                   "equivariance", "background"));
  EXPECT_GT(LargestGradient(model->parts().detector).item<double>(), 0);
  EXPECT_GT(LargestGradient(*model->parts().dense_motion).item<double>(), 0);
  EXPECT_EQ(LargestGradient(*model->parts().inpainting).item<double>(), 0);
  EXPECT_EQ(names(3), objective->TermNames());
  EXPECT_GT(LargestGradient(*model->parts().inpainting).item<double>(), 0);
}

// bfloat16 has 8 bits: a product is off by up to 0.4 %, and a loss is a mean of
// many that have gone through some twenty layers. In eval mode, where no batch
// norm divides by the deviation of a few values.
TEST(Objective, InBfloat16HasNearlyTheSameLossesAndFloat32Gradients) {
  auto model = MakeModel();
  model->eval();
  const auto step = [&](const std::string& precision) {
    auto objective = Objective::Create(
        *TinyConfig({"training.precision=" + precision}), torch::kCPU);
    StageTimer timer;
    return (*objective)(*model, RandomImages(2, 1), RandomImages(2, 2), {0, 0},
                        timer);
  };
  const StepOutput exact = step("FLOAT32");
  const StepOutput fast = step("BFLOAT16");
  EXPECT_FALSE(
      torch::equal(exact.prediction, fast.prediction.to(torch::kFloat32)));
  EXPECT_EQ(fast.source.keypoints.scalar_type(), torch::kFloat32);
  ASSERT_EQ(fast.terms.size(), exact.terms.size());
  for (size_t i = 0; i < exact.terms.size(); ++i) {
    const double value = exact.terms[i].second.item<double>();
    EXPECT_NEAR(fast.terms[i].second.item<double>(), value, 0.05 * value + 1e-3)
        << exact.terms[i].first;
  }
  fast.total.backward();
  for (const torch::Tensor& parameter : model->parameters()) {
    if (!parameter.grad().defined()) continue;
    EXPECT_EQ(parameter.grad().scalar_type(), torch::kFloat32);
    EXPECT_TRUE(parameter.grad().isfinite().all().item<bool>());
  }
}

}  // namespace
}  // namespace pipelines
