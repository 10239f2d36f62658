#include "pipelines/testing/scoped_clock.h"

#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

namespace {

thread_local int clock_is_set_by = 0;  // seconds

}  // namespace

// In place of the C library's.
extern "C" int clock_gettime(clockid_t clock, timespec* now) noexcept {
  const auto result = static_cast<int>(syscall(SYS_clock_gettime, clock, now));
  if (clock == CLOCK_REALTIME) now->tv_sec += clock_is_set_by;
  return result;
}

namespace pipelines {

ScopedClock::ScopedClock(int seconds) { clock_is_set_by = seconds; }
ScopedClock::~ScopedClock() { clock_is_set_by = 0; }

}  // namespace pipelines
