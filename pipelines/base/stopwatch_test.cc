#include "pipelines/base/stopwatch.h"

#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <chrono>

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

constexpr int kTwoDays = 2 * 24 * 3600;

TEST(Stopwatch, RunsOnWhereTheSystemsClockIsSet) {
  using Clock = std::chrono::system_clock;
  const Clock::time_point before = Clock::now();
  Stopwatch watch;
  for (const int seconds : {kTwoDays, -kTwoDays}) {
    clock_is_set_by = seconds;
    ASSERT_GT(std::chrono::abs(Clock::now() - before), std::chrono::hours(12));
    EXPECT_GE(watch.Seconds(), 0);
    EXPECT_LT(watch.Seconds(), 60);
  }
  watch.Restart();
  clock_is_set_by = 0;
  EXPECT_GE(watch.Seconds(), 0);
  EXPECT_LT(watch.Seconds(), 60);
}

}  // namespace
}  // namespace pipelines
