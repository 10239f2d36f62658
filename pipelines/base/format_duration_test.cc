#include "pipelines/base/format_duration.h"

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

}  // namespace
}  // namespace pipelines
