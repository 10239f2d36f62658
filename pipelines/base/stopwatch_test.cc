#include "pipelines/base/stopwatch.h"

#include <chrono>

#include "gtest/gtest.h"
#include "pipelines/testing/scoped_clock.h"

namespace pipelines {
namespace {

constexpr int kTwoDays = 2 * 24 * 3600;

TEST(Stopwatch, RunsOnWhereTheSystemsClockIsSet) {
  using Clock = std::chrono::system_clock;
  const Clock::time_point before = Clock::now();
  Stopwatch watch;
  for (const int seconds : {kTwoDays, -kTwoDays}) {
    const ScopedClock clock(seconds);
    ASSERT_GT(std::chrono::abs(Clock::now() - before), std::chrono::hours(12));
    EXPECT_GE(watch.Seconds(), 0);
    EXPECT_LT(watch.Seconds(), 60);
  }
  {
    const ScopedClock clock(-kTwoDays);
    watch.Restart();
  }
  EXPECT_GE(watch.Seconds(), 0);
  EXPECT_LT(watch.Seconds(), 60);
}

}  // namespace
}  // namespace pipelines
