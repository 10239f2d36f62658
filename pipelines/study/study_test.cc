// Studies: what is wrong in them is named; a small one runs, is interrupted,
// goes on, and ends with its table.
#include "pipelines/study/study.h"

#include <filesystem>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/files/testing_folder.h"
#include "pipelines/config/other_data.h"
#include "pipelines/study/study_test_util.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines {
namespace {

namespace fs = std::filesystem;
using ::networks::files::ReadText;
using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(LoadStudy, PlansEveryVariantWithEverySeed) {
  const auto plan =
      LoadStudy(WriteStudy(std::string(kTiny) + "seeds: [3, 5]"), "/out",
                {"training.learning_rate=0.5", "data.folder=c"});
  ASSERT_THAT(plan, IsOk());
  ASSERT_EQ(plan->runs.size(), 4u);
  // All variants of the first seed come first.
  EXPECT_EQ(plan->runs[1].variant, "cpab");
  EXPECT_EQ(plan->runs[1].folder, "/out/cpab-seed3");
  const Config& config = plan->runs[2].config;
  EXPECT_TRUE(config.model().local().has_affine());
  EXPECT_EQ(config.training().seed(), 5u);
  EXPECT_EQ(config.training().max_steps(), 2);
  EXPECT_EQ(config.training().max_minutes(), 0);  // not the demo's
  EXPECT_EQ(config.training().learning_rate(), 0.5);
  EXPECT_EQ(config.data().folder(), AbsoluteFolder("c"));
}

TEST(LoadStudy, TakesOtherSeedsAndAnotherBudget) {
  StudyBudget budget;
  budget.seeds = {7, 8, 9};
  budget.minutes = 1.5;
  const auto plan = LoadStudy(WriteStudy(std::string(kTiny) + "seeds: [3]"),
                              "/out", {}, budget);
  ASSERT_THAT(plan, IsOk());
  ASSERT_EQ(plan->runs.size(), 6u);
  EXPECT_EQ(plan->runs[0].seed, 7u);
  EXPECT_EQ(plan->runs[0].config.training().max_minutes(), 1.5);
  EXPECT_EQ(plan->runs[0].config.training().max_steps(), 0);
  budget.steps = 5;
  EXPECT_THAT(LoadStudy(WriteStudy(kTiny), "/out", {}, budget),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("either steps or minutes")));
}

struct BadStudy {
  const char* what;
  const char* text;  // appended to kTiny
  const char* message;
};

class BadStudyTest : public testing::TestWithParam<BadStudy> {};

TEST_P(BadStudyTest, IsNamed) {
  const std::string path = WriteStudy(absl::StrCat(kTiny, GetParam().text));
  EXPECT_THAT(LoadStudy(path, "/out", {}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr(path), HasSubstr(GetParam().message))));
}

INSTANTIATE_TEST_SUITE_P(
    Cases, BadStudyTest,
    testing::Values(
        BadStudy{"TwoBudgets", "minutes: 1", "either steps or minutes"},
        BadStudy{"TwiceTheConfig",
                 "variants { name: 'x' set: 'model.local.cpab.cells_x=4' }",
                 "variant 'x': has the same config as variant 'cpab'"},
        BadStudy{"TwiceTheName", "variants { name: 'cpab' }",
                 "variants[2].name 'cpab' is there twice"},
        BadStudy{"NameOfAnotherFolder", "variants { name: '../x' }",
                 "variants[2].name is '../x'"},
        BadStudy{"TwiceTheSeed", "seeds: [1, 1]", "seeds: one is there twice"},
        BadStudy{"Misspelt", "varians { }", "Did you mean 'variants'?"},
        BadStudy{
            "BadOverride",
            "variants { name: 'x' set: 'model.gradient=THROUGH' }",
            "variant 'x': override model.gradient=THROUGH: 'THROUGH' is not"}),
    [](const auto& info) { return info.param.what; });

INSTANTIATE_TEST_SUITE_P(
    ScoredApart, BadStudyTest,
    testing::Values(
        BadStudy{"Size", "variants { name: 'x' set: 'data.width=64' }",
                 "variant 'x': modified: data.width: 32 -> 64, against variant "
                 "'affine'"},
        BadStudy{"Clips", "variants { name: 'x' set: 'data.folder=/clips' }",
                 "data.folder"},
        BadStudy{"Puppets", "variants { name: 'x' set: 'data.puppets.seed=7' }",
                 "data.puppets.seed"},
        BadStudy{"Frames",
                 "variants { name: 'x' set: 'evaluation.frame_step=3' }",
                 "evaluation.frame_step"},
        BadStudy{"Lpips",
                 "variants { name: 'x' set: 'evaluation.lpips=network: VGG' }",
                 "evaluation.lpips"}),
    [](const auto& info) { return info.param.what; });

constexpr const char* kDecided[] = {
    "training.seed=7", "training.num_epochs=2", "training.max_steps=50",
    "training.max_minutes=1", "training=max_steps: 50"};

TEST(LoadStudy, RefusesOverridesOfSeedAndBudget) {
  for (const std::string decided : kDecided) {
    const auto refused =
        StatusIs(absl::StatusCode::kInvalidArgument,
                 HasSubstr("override " + decided +
                           ": this field has no effect here; the study's "
                           "seeds and its steps or minutes"));
    EXPECT_THAT(LoadStudy(WriteStudy(kTiny), "/out", {decided}), refused);
    const std::string set = "set: '" + decided + "'";
    EXPECT_THAT(LoadStudy(WriteStudy(kTiny + set), "/out", {}), refused);
    EXPECT_THAT(LoadStudy(WriteStudy(absl::StrCat(
                              kTiny, "variants { name: 'x' ", set, " }")),
                          "/out", {}),
                refused);
  }
}

TEST(LoadStudy, LetsVariantsDifferInWhatTheyLearnFrom) {
  EXPECT_THAT(LoadStudy(WriteStudy(absl::StrCat(
                            kTiny,
                            "variants { name: 'x' set: 'data.repeats=3' "
                            "set: 'data.puppets.num_train=2' "
                            "set: 'evaluation.batch_size=2' }")),
                        "/out", {}),
              IsOk());
}

TEST(LoadStudy, NamesAConfigThatIsNotThere) {
  EXPECT_THAT(LoadStudy(WriteStudy("config: 'none' steps: 1 "
                                   "variants { name: 'a' }"),
                        "/out", {}),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("none")));
}

// The names in the first column of the README's table of studies.
std::set<std::string> DocumentedStudies() {
  std::set<std::string> names;
  for (const absl::string_view line :
       absl::StrSplit(ReadText("pipelines/study/README.md"), '\n')) {
    const std::vector<std::string> cells = absl::StrSplit(line, '|');
    // | `name` | question | runs x budget | needs |
    if (cells.size() != 6 || !absl::StartsWith(cells[1], " `")) continue;
    names.insert(cells[1].substr(2, cells[1].size() - 4));
  }
  return names;
}

TEST(ShippedStudies, LoadAndAreDocumented) {
  std::set<std::string> names;
  for (const auto& entry : fs::directory_iterator("pipelines/study/shipped")) {
    if (entry.path().extension() != ".textproto") continue;
    EXPECT_THAT(LoadStudy(entry.path(), "/out", {}), IsOk()) << entry.path();
    names.insert(entry.path().stem());
  }
  EXPECT_EQ(names, DocumentedStudies());
}

}  // namespace
}  // namespace pipelines
