#include "pipelines/training/step_report.h"

#include <c10/util/Exception.h>

#include <cmath>

#include "gtest/gtest.h"

namespace pipelines {
namespace {

StepReport Layout() {
  StepReport layout;
  layout.Add(kTotalLoss, StepValueKind::kLoss);
  layout.Add("warp", StepValueKind::kLoss);
  layout.Add("learning_rate", StepValueKind::kOptimizer);
  return layout;
}

TEST(StepReport, KeepsOrderAndKnowsNothingAtFirst) {
  const StepReport report = Layout();
  ASSERT_EQ(report.values().size(), 3u);
  EXPECT_EQ(report.values()[1].name, "warp");
  EXPECT_EQ(report.values()[2].kind, StepValueKind::kOptimizer);
  for (const StepValue& value : report.values()) {
    EXPECT_TRUE(std::isnan(value.value)) << value.name;
  }
}

// What is unknown in one of them is unknown in the mean.
TEST(StepReport, TakesMeansValueByValue) {
  StepReport sum = Layout();
  sum.SetAll(0);
  for (const double total : {3.0, 5.0}) {
    StepReport report = Layout();
    report.Set(kTotalLoss, total);
    report.Set("learning_rate", 0.5);
    sum += report;
  }
  sum /= 2;
  EXPECT_EQ(sum.Get(kTotalLoss), 4);
  EXPECT_EQ(sum.Get("learning_rate"), 0.5);
  EXPECT_TRUE(std::isnan(sum.Get("warp")));
}

TEST(StepReport, RefusesNamesThatAreWrong) {
  StepReport report = Layout();
  EXPECT_THROW(report.Add("warp", StepValueKind::kDiagnostic), c10::Error);
  EXPECT_THROW(report.Set("wrap", 1), c10::Error);
  EXPECT_THROW(report.Get("wrap"), c10::Error);
  StepReport other;
  other.Add(kTotalLoss, StepValueKind::kLoss);
  EXPECT_THROW(report += other, c10::Error);
}

}  // namespace
}  // namespace pipelines
