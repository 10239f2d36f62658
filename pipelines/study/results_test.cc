#include "pipelines/study/results.h"

#include <cmath>
#include <filesystem>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/files/testing_folder.h"
#include "pipelines/checkpoint/checkpoint.h"
#include "pipelines/checkpoint/checkpoint_store.h"
#include "pipelines/model/model.h"
#include "pipelines/study/study.h"
#include "pipelines/testing/testing_config.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

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
  // Nothing is lost in the mean of equal numbers of steps.
  EXPECT_EQ(FormatMean(Summarize(std::vector<double>(6, 500))), "500.0 +- 0.0");
}

TEST(FormatCount, IsWhole) {
  EXPECT_EQ(FormatCount({1, 4, 0}), "4");
  EXPECT_EQ(FormatCount({2, 1968.6, 12.7}), "1969 +- 13");
  EXPECT_EQ(FormatCount({0, 0, 0}), "");
}

TEST(FormatMinutes, HasTwoDigitsOrMore) {
  EXPECT_EQ(FormatMinutes({1, 0.0532, 0}), "0.053");
  EXPECT_EQ(FormatMinutes({2, 4.51, 0.12}), "4.5 +- 0.1");
  EXPECT_EQ(FormatMinutes({1, 123.4, 0}), "123");
}

StudyTable TwoVariants(double affine_l1, double cpab_l1) {
  StudyTable table;
  table.metrics = {"l1", "psnr"};
  table.variants.resize(2);
  table.variants[0].variant = "affine";
  table.variants[0].metrics = {{"l1", {1, affine_l1, 0}}, {"psnr", {1, 20, 0}}};
  table.variants[1].variant = "cpab";
  table.variants[1].metrics = {{"l1", {1, cpab_l1, 0}}, {"psnr", {1, 30, 0}}};
  table.baseline = {{"l1", 0.5}, {"psnr", 25}};
  return table;
}

TEST(BestVariant, IsNoneThatIsWorseThanTheFirstFrame) {
  EXPECT_EQ(BestVariant(TwoVariants(0.4, 0.3), "l1"), "cpab");
  EXPECT_EQ(BestVariant(TwoVariants(0.7, 0.6), "l1"), "");
  EXPECT_EQ(BestVariant(TwoVariants(0.7, 0.5), "l1"), "");
  EXPECT_EQ(BestVariant(TwoVariants(0.4, 0.3), "psnr"), "cpab");
}

TEST(TableNotes, NameUnitsAndWhatIsWorseThanTheFirstFrame) {
  EXPECT_THAT(TableNotes(TwoVariants(0.4, 0.6)),
              ElementsAre(HasSubstr("PSNR in dB"),
                          "affine is no better than the first frame, unmoved: "
                          "psnr",
                          "cpab is no better than the first frame, unmoved: "
                          "l1"));
  EXPECT_THAT(TableText(TwoVariants(0.4, 0.6)),
              HasSubstr("cpab is no better than the first frame"));
}

// As where test clips have one frame.
TEST(TableNotes, SayThatNothingMoves) {
  StudyTable table = TwoVariants(0.4, 0.6);
  table.baseline["l1"] = 0;
  EXPECT_THAT(TableNotes(table),
              ElementsAre(HasSubstr("PSNR in dB"),
                          HasSubstr("nothing moves in the test frames")));
}

class ReadResultsTest : public networks::files::FolderTest {
 protected:
  // A run of the plan with a checkpoint of its last step.
  StudyRun Trained(const std::string& variant, uint64_t seed, bool finished) {
    StudyRun run;
    run.variant = variant;
    run.seed = seed;
    run.folder = Path(absl::StrCat(variant, "-seed", seed));
    run.config = *TinyConfig();
    const auto model = AnimationModel::Create(run.config.model());
    EXPECT_THAT(model, IsOk());
    CheckpointState state;
    *state.mutable_config() = run.config;
    state.set_step(70);
    state.set_trained_seconds(90);
    state.set_finished(finished);
    const std::string checkpoints = run.folder + "/checkpoints/";
    std::filesystem::create_directories(checkpoints);
    Learnt learnt;
    learnt.model = model->get();
    EXPECT_THAT(SaveCheckpoint(checkpoints + CheckpointName(70), learnt, state),
                IsOk());
    return run;
  }

  void WriteIn(const StudyRun& run, const std::string& name,
               const std::string& text) const {
    Write(absl::StrCat(run.variant, "-seed", run.seed, "/", name), text);
  }
};

constexpr char kEvaluation[] = R"json({
  "model": {"l1": 0.125, "psnr": 20, "flow_error": 0.25},
  "first_frame": {"l1": 0.5, "psnr": 12},
  "clips": [
    {"name": "still", "frames": 2, "model": {"l1": 0.01},
     "first_frame": {"l1": 0.1}},
    {"name": "fast", "frames": 2, "model": {"l1": 0.5},
     "first_frame": {"l1": 0.6}},
    {"name": "slow", "frames": 6, "model": {"l1": 0.25},
     "first_frame": {"l1": 0.3}}
  ],
  "setting": {"width": 32, "training_steps": 70},
  "a_field_of_later_programs": 1
})json";

TEST_F(ReadResultsTest, AreTheMeansOfTheEvaluationAndTheLosses) {
  StudyPlan plan;
  plan.runs = {Trained("cpab", 3, /*finished=*/true)};
  WriteIn(plan.runs[0], "losses.csv", "step,total\n1,4\n2,3\n");
  WriteIn(plan.runs[0], "timing.csv",
          "step,seconds,data_share\n1,15,0\n2,75,0.5\n");
  WriteIn(plan.runs[0], "evaluation.json", kEvaluation);
  const std::vector<RunResult> results = ReadResults(plan);
  ASSERT_EQ(results.size(), 1u);
  const RunResult& result = results[0];
  EXPECT_EQ(result.variant, "cpab");
  EXPECT_EQ(result.seed, 3u);
  EXPECT_EQ(result.steps, 70);
  EXPECT_DOUBLE_EQ(result.minutes, 1.5);
  // Of three clips the two whose first frame says least, fast and slow, each by
  // its frames.
  EXPECT_THAT(result.metrics,
              UnorderedElementsAre(Pair("l1", 0.125), Pair("psnr", 20),
                                   Pair("flow_error", 0.25),
                                   Pair("l1_moving_half", 0.3125)));
  EXPECT_THAT(result.baseline,
              UnorderedElementsAre(Pair("l1", 0.5), Pair("psnr", 12),
                                   Pair("l1_moving_half", 0.375)));
  ASSERT_EQ(result.losses.size(), 1u);
  EXPECT_EQ(result.losses[0].name, "total");
  EXPECT_THAT(result.losses[0].x, ElementsAre(1, 2));
  EXPECT_THAT(result.losses[0].y, ElementsAre(4, 3));
  EXPECT_THAT(result.clock.x, ElementsAre(1, 2));
  EXPECT_THAT(result.clock.y, ElementsAre(0.25, 1.5));
}

// Of which an earlier program has written the beginning.
TEST_F(ReadResultsTest, HaveNoClockOfATimingThatBeginsLater) {
  StudyPlan plan;
  plan.runs = {Trained("cpab", 0, /*finished=*/true)};
  WriteIn(plan.runs[0], "timing.csv",
          "step,seconds,data_share\n2,15,0\n3,75,0.5\n");
  WriteIn(plan.runs[0], "evaluation.json", kEvaluation);
  const std::vector<RunResult> results = ReadResults(plan);
  ASSERT_EQ(results.size(), 1u);
  EXPECT_THAT(results[0].clock.x, IsEmpty());
}

// Runs have them in another order, each its worst first.
TEST_F(ReadResultsTest, TakeTheSameHalfOfClipsThatMoveAlike) {
  const std::string ann = R"json({"name": "ann", "frames": 2,
      "model": {"l1": 0.5}, "first_frame": {"l1": 0.6}})json";
  const std::string bob = R"json({"name": "bob", "frames": 2,
      "model": {"l1": 0.25}, "first_frame": {"l1": 0.6}})json";
  StudyPlan plan;
  plan.runs = {Trained("cpab", 0, /*finished=*/true),
               Trained("tps", 0, /*finished=*/true)};
  const auto write = [&](int run, const std::string& clips) {
    WriteIn(plan.runs[run], "evaluation.json",
            absl::StrCat("{\"clips\": [", clips, "]}"));
  };
  write(0, absl::StrCat(ann, ",", bob));
  write(1, absl::StrCat(bob, ",", ann));
  const std::vector<RunResult> results = ReadResults(plan);
  ASSERT_EQ(results.size(), 2u);
  for (const RunResult& result : results) {
    EXPECT_THAT(result.metrics,
                UnorderedElementsAre(Pair("l1_moving_half", 0.5)));
  }
}

TEST_F(ReadResultsTest, AreThoseOfFinishedRunsInTheOrderOfThePlan) {
  StudyPlan plan;
  plan.runs = {Trained("tps", 0, /*finished=*/true),
               Trained("under_way", 0, /*finished=*/false),
               Trained("damaged", 0, /*finished=*/true),
               Trained("unevaluated", 0, /*finished=*/true),
               Trained("changed", 0, /*finished=*/true),
               Trained("affine", 0, /*finished=*/true)};
  plan.runs[4].config.mutable_losses()->set_warp(77);
  for (const int i : {0, 1, 4, 5}) {
    WriteIn(plan.runs[i], "evaluation.json", kEvaluation);
  }
  WriteIn(plan.runs[2], "evaluation.json", "{\"model\": {\"l1\": 0.");
  const std::vector<RunResult> results = ReadResults(plan);
  ASSERT_EQ(results.size(), 2u);
  EXPECT_EQ(results[0].variant, "tps");
  EXPECT_EQ(results[1].variant, "affine");
}

// An evaluation without clips has no half of them.
TEST_F(ReadResultsTest, HaveOnlyTheMetricsThatAreThere) {
  StudyPlan plan;
  plan.runs = {Trained("cpab", 0, /*finished=*/true)};
  WriteIn(plan.runs[0], "evaluation.json", R"json({"model": {"l1": 0.5}})json");
  const std::vector<RunResult> results = ReadResults(plan);
  ASSERT_EQ(results.size(), 1u);
  EXPECT_THAT(results[0].metrics, UnorderedElementsAre(Pair("l1", 0.5)));
  EXPECT_TRUE(results[0].baseline.empty());
  EXPECT_TRUE(results[0].losses.empty());
  EXPECT_TRUE(results[0].clock.x.empty());
}

}  // namespace
}  // namespace pipelines
