// Studies: what is wrong in them is named; a small one runs, is interrupted,
// goes on, and ends with its table.
#include "pipelines/study/study.h"

#include <cmath>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/files/testing_folder.h"
#include "pipelines/base/child_process.h"
#include "pipelines/study/report.h"
#include "pipelines/study/results.h"
#include "pipelines/testing/scoped_environment.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines {
namespace {

namespace fs = std::filesystem;
using ::networks::files::FreshTestFolder;
using ::networks::files::ReadText;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

// Two variants, one seed, two steps each, thin networks.
constexpr char kTiny[] = R"pb(
  question: "Is <affine> enough?"
  config: "demo"
  set: "data.puppets.num_train=4"
  set: "data.puppets.num_test=2"
  set: "data.puppets.frames_per_clip=6"
  set: "data.height=32"
  set: "data.width=32"
  set: "model.num_transforms=2"
  set: "model.detector.width=4"
  set: "model.dense_motion.block_expansion=4"
  set: "model.dense_motion.max_features=8"
  set: "model.dense_motion.num_blocks=3"
  set: "model.inpainting.block_expansion=4"
  set: "model.inpainting.max_features=8"
  set: "losses.perceptual.width=4"
  set: "losses.perceptual.scales=[1, 0.5]"
  set: "training.batch_size=2"
  set: "training.motion_steps=1"
  steps: 2
  variants { name: "affine" set: "model.local=affine {}" }
  variants { name: "cpab" }
)pb";

std::string WriteStudy(const std::string& text) {
  const std::string path = testing::TempDir() + "/tiny.textproto";
  std::ofstream(path) << text;
  return path;
}

TEST(LoadStudy, PlansEveryVariantWithEverySeed) {
  const auto plan = LoadStudy(WriteStudy(std::string(kTiny) + "seeds: [3, 5]"),
                              "/out", {"training.learning_rate=0.5"});
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

TEST(Summarize, GivesMeanAndSampleDeviation) {
  const MeanAndSpread three = Summarize({1, 2, 6});
  EXPECT_EQ(three.count, 3);
  EXPECT_DOUBLE_EQ(three.mean, 3);
  EXPECT_DOUBLE_EQ(three.spread, std::sqrt(7.0));
  EXPECT_EQ(Summarize({4}).spread, 0);
}

TEST(FormatMean, ShowsTheDigitsThatTheSpreadLeaves) {
  EXPECT_EQ(FormatMean({2, 0.023714, 0.00042}), "0.02371 +- 0.00042");
  EXPECT_EQ(FormatMean({2, 846.4, 17.2}), "846 +- 17");
  EXPECT_EQ(FormatMean({1, 23.456, 0}), "23.46");
  EXPECT_EQ(FormatMean({0, 0, 0}), "");
}

RunResult Result(const std::string& variant, double l1, double psnr) {
  RunResult result;
  result.variant = variant;
  result.steps = 10;
  result.minutes = 1;
  result.metrics = {{"l1", l1}, {"psnr", psnr}, {"extra", 1}};
  result.baseline = {{"l1", 0.5}};
  return result;
}

TEST(StudyTable, ComparesVariants) {
  const auto plan =
      LoadStudy(WriteStudy(std::string(kTiny) + "seeds: [0, 1]"), "/out", {});
  ASSERT_THAT(plan, IsOk());
  const StudyTable table =
      MakeTable(*plan, {Result("affine", 0.2, 20), Result("affine", 0.4, 22),
                        Result("cpab", 0.1, 30)});
  EXPECT_THAT(table.metrics, ElementsAre("l1", "psnr", "extra"));
  EXPECT_EQ(BestVariant(table, "l1"), "cpab");
  EXPECT_EQ(BestVariant(table, "psnr"), "cpab");
  EXPECT_DOUBLE_EQ(table.variants[0].metrics.at("l1").mean, 0.3);
  EXPECT_EQ(table.variants[1].finished, 1);
  EXPECT_THAT(TableText(table), HasSubstr("3 of 4 runs"));
  const std::vector<std::string> csv = absl::StrSplit(TableCsv(table), '\n');
  EXPECT_EQ(csv[0],
            "variant,runs,steps_mean,minutes_mean,l1_mean,l1_spread,psnr_mean,"
            "psnr_spread,extra_mean,extra_spread");
  EXPECT_THAT(csv[1], StartsWith("affine,2,10,1,0.3,0.141421356,21,"));
  const std::string page = StudyPageHtml(*plan, table, {});
  EXPECT_THAT(page, AllOf(HasSubstr("Is &lt;affine&gt; enough?"),
                          HasSubstr("<b>0.1000</b>"),
                          HasSubstr("http-equiv=\"refresh\"")));
}

TEST(CheckStudyFolder, ReplacesNothingThatIsNotOfAStudy) {
  const auto plan = LoadStudy(WriteStudy(kTiny), FreshTestFolder(), {});
  ASSERT_THAT(plan, IsOk());
  EXPECT_THAT(CheckStudyFolder(*plan), IsOk());
  fs::create_directories(plan->output);
  EXPECT_THAT(CheckStudyFolder(*plan), IsOk());
  for (const char* name :
       {"index.html", "runs.csv", "motion.png", "cpab-seed0.textproto"}) {
    const std::string path = absl::StrCat(plan->output, "/", name);
    std::ofstream(path) << "precious";
    EXPECT_THAT(CheckStudyFolder(*plan),
                StatusIs(absl::StatusCode::kAlreadyExists,
                         AllOf(HasSubstr(path), HasSubstr("holds no study"))));
    fs::remove(path);
  }
  ASSERT_THAT(WriteStudyReport(*plan), IsOk());
  EXPECT_THAT(CheckStudyFolder(*plan), IsOk());
}

// The program itself, as a user runs it.
class AblateTest : public testing::Test {
 protected:
  const ScopedCacheFolder cache_;

  void SetUp() override {
    output_ = testing::TempDir() + "/study";
    fs::remove_all(output_);
    study_ = WriteStudy(kTiny);
  }

  ChildProcess Start() {
    auto child =
        ChildProcess::Start({"pipelines/ablate", "--study", study_, "--output",
                             output_, "--threads=1", "--device=cpu"},
                            {log()});
    EXPECT_THAT(child.status(), IsOk());
    return *std::move(child);
  }

  std::string log() const { return output_ + ".log"; }

  std::string output_;
  std::string study_;
};

TEST_F(AblateTest, IsInterruptedGoesOnAndComparesVariants) {
  const std::string first = output_ + "/affine-seed0/evaluation.json";
  const std::string second = output_ + "/cpab-seed0/lock";
  fs::remove(log());
  ChildProcess child = Start();
  // Until the second run is under way; the test's timeout ends a wait in vain.
  while (!fs::exists(second) && child.IsRunning()) {
    absl::SleepFor(absl::Milliseconds(20));
  }
  ASSERT_TRUE(fs::exists(second)) << ReadText(log());
  child.Signal(SIGINT);
  EXPECT_EQ(child.Wait(), 130);
  EXPECT_THAT(ReadText(log()),
              AllOf(HasSubstr("ablate: stopped by Ctrl-C; finished runs are "
                              "kept, and the one under way is saved. To go "
                              "on:\n  "),
                    Not(HasSubstr("error"))));
  ASSERT_TRUE(fs::exists(first));
  const auto time = fs::last_write_time(first);
  EXPECT_THAT(ReadText(output_ + "/table.txt"), HasSubstr("1 of 2 runs"));

  EXPECT_EQ(Start().Wait(), 0) << ReadText(log());
  EXPECT_EQ(fs::last_write_time(first), time);  // not made again
  const std::string table = ReadText(output_ + "/table.txt");
  EXPECT_THAT(table, AllOf(HasSubstr("2 of 2 runs"), HasSubstr("affine"),
                           HasSubstr("first frame")));
  const std::vector<std::string> runs =
      absl::StrSplit(ReadText(output_ + "/runs.csv"), '\n', absl::SkipEmpty());
  ASSERT_EQ(runs.size(), 3u);
  EXPECT_THAT(runs[0],
              StartsWith("variant,seed,steps,minutes,l1,l1_moving_half,psnr"));
  EXPECT_THAT(runs[1], StartsWith("affine,0,2,"));
  EXPECT_THAT(runs[2], StartsWith("cpab,0,2,"));
  EXPECT_THAT(ReadText(output_ + "/index.html"),
              AllOf(HasSubstr("predictions.png"), HasSubstr("motion.png"),
                    HasSubstr("cpab-seed0/index.html"),
                    Not(HasSubstr("http-equiv=\"refresh\""))));
  for (const char* file : {"/predictions.png", "/motion.png", "/table.csv",
                           "/cpab-seed0.textproto"}) {
    EXPECT_TRUE(fs::exists(output_ + file)) << file;
  }
}

}  // namespace
}  // namespace pipelines
