// Trials that may crash or hang, each noticed and none stopping the rest.
#ifndef TOOLS_RELIABILITY_ISOLATED_H_
#define TOOLS_RELIABILITY_ISOLATED_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace reliability {

struct Failure {
  int64_t trial = 0;
  // "signal 11", "hangs", "takes 2000 MB", or what the trial returned.
  std::string what;
};

struct IsolatedOptions {
  int64_t first = 0;
  int64_t count = 0;
  double seconds_each = 5;  // a trial that takes longer hangs
  // A trial in which the process has more memory than this fails; 0: no limit.
  int64_t most_bytes = 0;
  // Called once a second or so with the number of trials that have ended.
  std::function<void(int64_t)> progress;
};

struct IsolatedReport {
  std::vector<Failure> failures;
  int64_t peak_bytes = 0;      // of memory, of the worst process
  double slowest_seconds = 0;  // of all trials
};

// Runs trial(i) for `count` numbers from `first` on, in a child process that is
// replaced where it ends or hangs. A trial returns "" where all is well. Trials
// share no state but what their process had before.
IsolatedReport RunIsolated(
    const IsolatedOptions& options,
    const std::function<std::string(int64_t trial)>& trial);

}  // namespace reliability

#endif  // TOOLS_RELIABILITY_ISOLATED_H_
