#include "pipelines/base/deadline.h"

#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <atomic>

#include "absl/time/clock.h"
#include "gtest/gtest.h"

namespace {

// How far somebody has set the system's clock, in seconds.
std::atomic<int> clock_is_set_by = 0;

}  // namespace

// In place of the C library's.
extern "C" int clock_gettime(clockid_t clock, timespec* now) noexcept {
  const auto result = static_cast<int>(syscall(SYS_clock_gettime, clock, now));
  if (clock == CLOCK_REALTIME) now->tv_sec += clock_is_set_by;
  return result;
}

namespace pipelines {
namespace {

constexpr int kDay = 24 * 3600;

TEST(Deadline, DoesNotMoveWhereTheSystemsClockIsSet) {
  const Deadline far(absl::Hours(1)), past(-absl::Seconds(1));
  const absl::Time before = absl::Now();
  for (const int seconds : {kDay, -kDay}) {
    clock_is_set_by = seconds;
    ASSERT_GT(absl::AbsDuration(absl::Now() - before), absl::Hours(12));
    EXPECT_FALSE(far.HasPassed());
    EXPECT_GT(far.Left(), absl::Minutes(30));
    EXPECT_LE(far.Left(), absl::Hours(1));
    EXPECT_TRUE(past.HasPassed());
  }
  clock_is_set_by = 0;
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
