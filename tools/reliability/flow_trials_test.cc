#include "tools/reliability/flow_trials.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace reliability {
namespace {

// A million points by the program cpab_trials; see README.md.
TEST(TryFlows, FindsAllLawsKept) {
  const CpabReport report = TryFlows(5000, 1);
  EXPECT_EQ(report.trials, 5000);
  EXPECT_THAT(report.failures, testing::IsEmpty());
}

TEST(TryFlows, TriesWholeFields) { EXPECT_EQ(TryFlows(1, 1).trials, 1000); }

TEST(TryFlows, SaysTheWorstThatItSaw) {
  const CpabReport report = TryFlows(5000, 1);
  EXPECT_THAT(report.measured, testing::HasSubstr("undone to "));
  EXPECT_NE(report.measured, TryFlows(5000, 100).measured);
}

}  // namespace
}  // namespace reliability
