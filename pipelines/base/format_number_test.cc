#include "pipelines/base/format_number.h"

#include <limits>

#include "gtest/gtest.h"

namespace pipelines {
namespace {

TEST(FormatNumber, ReadsBackToTheSameValue) {
  EXPECT_EQ(FormatNumber(0.25), "0.25");
  EXPECT_EQ(FormatNumber(-0.1), "-0.1");
  EXPECT_EQ(FormatNumber(1000001), "1000001");
  EXPECT_EQ(FormatNumber(12345678901), "12345678901");
  EXPECT_EQ(FormatNumber(0.25 + 1e-12), "0.25000000000099998");
  EXPECT_EQ(FormatNumber(std::numeric_limits<double>::infinity()), "inf");
}

}  // namespace
}  // namespace pipelines
