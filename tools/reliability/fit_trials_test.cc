#include "tools/reliability/fit_trials.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace reliability {
namespace {

// Ten thousand by the program cpab_trials; see README.md.
TEST(TryFits, FindsNoneWorseThanAdams) {
  const CpabReport report = TryFits(100, 1);
  EXPECT_EQ(report.trials, 100);
  EXPECT_THAT(report.failures, testing::IsEmpty());
  EXPECT_THAT(report.measured, testing::HasSubstr(" iterations"));
  EXPECT_THAT(report.measured,
              testing::HasSubstr("; E compared with Adam's in "));
}

}  // namespace
}  // namespace reliability
