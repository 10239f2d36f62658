#include "pipelines/study/report.h"

#include <string>
#include <vector>

#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "pipelines/report/plot.h"
#include "pipelines/study/results.h"
#include "pipelines/study/study.h"
#include "pipelines/study/study_test_util.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

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

// In equal time seeds make different numbers of steps.
TEST(StudyPage, HasCurvesOverTheMinutesOfEachRun) {
  const auto plan =
      LoadStudy(WriteStudy(std::string(kTiny) + "seeds: [0, 1]"), "/out", {});
  ASSERT_THAT(plan, IsOk());
  std::vector<RunResult> results = {Result("affine", 0.2, 20),
                                    Result("affine", 0.2, 20)};
  for (RunResult& result : results) result.minutes = 7;
  results[0].steps = 14;
  results[1].steps = 7;
  for (RunResult& result : results) {
    Series& total = result.losses.emplace_back();
    total.name = "total";
    for (int step = 1; step <= result.steps; ++step) {
      total.x.push_back(step);
      total.y.push_back(step);
    }
  }
  const StudyTable table = MakeTable(*plan, results);
  // A tick of the minutes; by the steps of the shorter they would end at 3.5.
  EXPECT_THAT(StudyPageHtml(*plan, table, results), HasSubstr(">6</text>"));
}

// Of four steps in eight minutes the second takes almost all: the curve of the
// first two ends at 7 minutes by the clock, and at 4 by the number of steps.
TEST(StudyPage, HasCurvesByTheClockOfEachRun) {
  const auto plan = LoadStudy(WriteStudy(kTiny), "/out", {});
  ASSERT_THAT(plan, IsOk());
  RunResult result = Result("affine", 0.2, 20);
  result.steps = 4;
  result.minutes = 8;
  result.losses.push_back({"total", {1, 2}, {1, 2}});
  const auto page = [&] {
    return StudyPageHtml(*plan, MakeTable(*plan, {result}), {result});
  };
  EXPECT_THAT(page(), Not(HasSubstr(">6</text>")));
  result.clock = {"seconds", {1, 2, 3, 4}, {0.5, 7, 7.5, 8}};
  EXPECT_THAT(page(), HasSubstr(">6</text>"));
}

}  // namespace
}  // namespace pipelines
