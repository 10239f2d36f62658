#include "pipelines/base/format_duration.h"

#include <cmath>

#include "gtest/gtest.h"

namespace pipelines {
namespace {

TEST(FormatDuration, PicksTheUnitByLength) {
  EXPECT_EQ(FormatDuration(9.4), "0:09");
  EXPECT_EQ(FormatDuration(59.6), "1:00");
  EXPECT_EQ(FormatDuration(3753), "1:02:33");
  EXPECT_EQ(FormatDuration(3 * 86400 + 4 * 3600 + 300), "3d 04:05");
  EXPECT_EQ(FormatDuration(-1), "0:00");
  EXPECT_EQ(FormatDuration(1e300), "?");
}

TEST(DurationInWords, IsInOneUnit) {
  EXPECT_EQ(DurationInWords(-1), "0.0 seconds");
  EXPECT_EQ(DurationInWords(9.94), "9.9 seconds");
  EXPECT_EQ(DurationInWords(9.96), "10 seconds");
  EXPECT_EQ(DurationInWords(89.6), "90 seconds");
  EXPECT_EQ(DurationInWords(90), "1.5 minutes");
  EXPECT_EQ(DurationInWords(3010), "50 minutes");
  EXPECT_EQ(DurationInWords(9000), "2.5 hours");
  EXPECT_EQ(DurationInWords(3 * 86400), "3.0 days");
  EXPECT_EQ(DurationInWords(std::nan("")), "?");
}

}  // namespace
}  // namespace pipelines
