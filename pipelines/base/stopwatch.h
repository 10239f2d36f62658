// Time by a clock that nobody sets.
#ifndef PIPELINES_BASE_STOPWATCH_H_
#define PIPELINES_BASE_STOPWATCH_H_

#include <chrono>

namespace pipelines {

// Runs from its construction, or its last Restart, on.
class Stopwatch {
 public:
  double Seconds() const {
    return std::chrono::duration<double>(Clock::now() - start_).count();
  }
  void Restart() { start_ = Clock::now(); }

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point start_ = Clock::now();
};

}  // namespace pipelines

#endif  // PIPELINES_BASE_STOPWATCH_H_
