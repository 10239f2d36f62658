// A system clock that a test sets: functions in place of the C library's.
#ifndef PIPELINES_TESTING_SCOPED_CLOCK_H_
#define PIPELINES_TESTING_SCOPED_CLOCK_H_

namespace pipelines {

// While it lives, the system's clock of this thread is set by `seconds`.
// Threads that it starts keep the system's. Not nested.
class ScopedClock {
 public:
  explicit ScopedClock(int seconds);
  ~ScopedClock();
  ScopedClock(const ScopedClock&) = delete;
  ScopedClock& operator=(const ScopedClock&) = delete;
};

}  // namespace pipelines

#endif  // PIPELINES_TESTING_SCOPED_CLOCK_H_
