#include "pipelines/base/deadline.h"

#include "absl/time/clock.h"
#include "gtest/gtest.h"
#include "pipelines/testing/scoped_clock.h"

namespace pipelines {
namespace {

constexpr int kDay = 24 * 3600;

TEST(Deadline, DoesNotMoveWhereTheSystemsClockIsSet) {
  const Deadline far(absl::Hours(1)), past(-absl::Seconds(1));
  const absl::Time before = absl::Now();
  for (const int seconds : {kDay, -kDay}) {
    const ScopedClock clock(seconds);
    ASSERT_GT(absl::AbsDuration(absl::Now() - before), absl::Hours(12));
    EXPECT_FALSE(far.HasPassed());
    EXPECT_GT(far.Left(), absl::Minutes(30));
    EXPECT_LE(far.Left(), absl::Hours(1));
    EXPECT_TRUE(past.HasPassed());
  }
}

TEST(Deadline, MayBeNeverOrLongAgo) {
  const Deadline never(absl::InfiniteDuration());
  const Deadline long_ago(-absl::InfiniteDuration());
  EXPECT_FALSE(never.HasPassed());
  EXPECT_EQ(never.Left(), absl::InfiniteDuration());
  EXPECT_TRUE(long_ago.HasPassed());
  EXPECT_LT(long_ago, Deadline(absl::ZeroDuration()));
  EXPECT_LT(Deadline(absl::Hours(1)), never);
}

}  // namespace
}  // namespace pipelines
