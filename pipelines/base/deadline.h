// The end of a span of time, by a clock that nobody sets.
#ifndef PIPELINES_BASE_DEADLINE_H_
#define PIPELINES_BASE_DEADLINE_H_

#include <chrono>

#include "absl/time/time.h"

namespace pipelines {

class Deadline {
 public:
  // `from_now` may be infinite.
  explicit Deadline(absl::Duration from_now) : end_(Now() + from_now) {}

  absl::Duration Left() const { return end_ - Now(); }
  bool HasPassed() const { return Left() <= absl::ZeroDuration(); }

  friend bool operator<(const Deadline& a, const Deadline& b) {
    return a.end_ < b.end_;
  }

 private:
  // Since the system was started.
  static absl::Duration Now() {
    return absl::FromChrono(
        std::chrono::steady_clock::now().time_since_epoch());
  }

  absl::Duration end_;
};

}  // namespace pipelines

#endif  // PIPELINES_BASE_DEADLINE_H_
