// The table of loss terms by itself. What the terms add up to, and that twice a
// weight is twice the term, is in objective_test.cc.
#include "pipelines/training/loss_terms.h"

#include <torch/types.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "pipelines/testing/testing_config.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines {
namespace {

const LossTerm& Term(const std::string& name) {
  for (const LossTerm& term : LossTerms()) {
    if (term.name == name) return term;
  }
  ADD_FAILURE() << "there is no term " << name;
  return LossTerms()[0];
}

// With weights above 0 the frozen networks need weights of their own, or this.
Config ConfigWith(std::vector<std::string> overrides) {
  for (const char* loss : {"semantic", "structure"}) {
    overrides.push_back(absl::StrCat("losses.", loss, ".model=tiny"));
    overrides.push_back(absl::StrCat("losses.", loss, ".untrained=true"));
  }
  const auto config = TinyConfig(overrides);
  EXPECT_THAT(config, IsOk());
  return *config;
}

TEST(LossTerms, HaveNamesOfTheirOwn) {
  std::set<std::string> names;
  for (const LossTerm& term : LossTerms()) {
    EXPECT_TRUE(names.insert(term.name).second) << term.name;
    // A column of a table, and a tag of TensorBoard below "loss/".
    EXPECT_EQ(std::string(term.name).find_first_of(" ,/\""), std::string::npos)
        << term.name;
    EXPECT_STRNE(term.stage, "") << term.name;
  }
}

// Every weight is that of its field, and no other's.
TEST(LossTerms, AreWeighedByTheConfig) {
  const std::map<std::string, std::string> fields = {
      {"warp", "losses.warp"},
      {"photometric", "losses.photometric"},
      {"mixture", "losses.mixture"},
      {"balance", "losses.balance"},
      {"locality", "losses.locality"},
      {"equivariance", "losses.equivariance"},
      {"background", "losses.background"},
      {"semantic", "losses.semantic.weight"},
      {"structure", "losses.structure.weight"}};
  const Config before = ConfigWith({});
  for (const auto& [name, field] : fields) {
    const Config config = ConfigWith({field + "=3.25"});
    for (const LossTerm& term : LossTerms()) {
      EXPECT_EQ(term.weight(config, {}),
                term.name == name ? 3.25 : term.weight(before, {}))
          << term.name << " with " << field;
    }
  }
  // The remaining one is weighed layer by layer.
  EXPECT_EQ(LossTerms().size(), fields.size() + 1);
  EXPECT_EQ(Term("perceptual").weight(before, {}), 1);
}

TEST(LossTerms, LeaveOutTheBackgroundWithoutItsNetwork) {
  EXPECT_EQ(
      Term("background")
          .weight(ConfigWith({"losses.background=2", "model.background=false"}),
                  {}),
      0);
}

// The step's loss is the mean over its slices, and this one a sum.
TEST(LossTerms, WeighTheStructureLossByTheSlicesOfAStep) {
  const Config config = ConfigWith({"losses.structure.weight=0.5"});
  StepPlace place;
  place.num_slices = 4;
  for (const LossTerm& term : LossTerms()) {
    EXPECT_EQ(term.weight(config, place),
              term.weight(config, {}) *
                  (term.name == std::string("structure") ? 4 : 1))
        << term.name;
  }
}

TEST(LossTerms, StartWithWhatTheyCompare) {
  const std::map<std::string, std::vector<bool>> starts = {
      // before anything, once painted, once the background is predicted
      {"perceptual", {false, true, false}},
      {"warp", {false, true, false}},
      {"semantic", {false, true, false}},
      {"structure", {false, true, false}},
      {"background", {false, false, true}},
      {"photometric", {true, true, true}},
      {"mixture", {true, true, true}},
      {"balance", {true, true, true}},
      {"locality", {true, true, true}},
      {"equivariance", {true, true, true}}};
  StepOutput nothing, painted, with_background;
  painted.is_painted = true;
  with_background.background = torch::eye(3).unsqueeze(0);
  for (const LossTerm& term : LossTerms()) {
    ASSERT_EQ(starts.count(term.name), 1u) << term.name;
    EXPECT_EQ(
        (std::vector<bool>{term.has_started(nothing), term.has_started(painted),
                           term.has_started(with_background)}),
        starts.at(term.name))
        << term.name;
  }
}

TEST(StepOutput, KeepsTheOrderOfItsTermsAndTheirSum) {
  StepOutput out;
  EXPECT_FALSE(out.total.defined());
  const torch::Tensor x = torch::tensor(3., torch::requires_grad());
  out.Add("first", 2, x);
  out.Add("second", 0.5, x * x);
  ASSERT_EQ(out.terms.size(), 2u);
  EXPECT_EQ(out.terms[0].first, "first");
  EXPECT_EQ(out.terms[0].second.item<double>(), 6);
  EXPECT_EQ(out.terms[1].first, "second");
  EXPECT_EQ(out.terms[1].second.item<double>(), 4.5);
  EXPECT_EQ(out.total.item<double>(), 10.5);
  out.total.backward();
  EXPECT_EQ(x.grad().item<double>(), 2 + 0.5 * 2 * 3);
}

}  // namespace
}  // namespace pipelines
