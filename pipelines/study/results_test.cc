#include "pipelines/study/results.h"

#include <cmath>

#include "gtest/gtest.h"

namespace pipelines {
namespace {

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

}  // namespace
}  // namespace pipelines
