// What a run of a program costs.
#ifndef TOOLS_COST_MEASURED_RUN_H_
#define TOOLS_COST_MEASURED_RUN_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace tools::cost {

struct RunCost {
  double seconds = 0;            // that passed
  double processor_seconds = 0;  // of all its threads and processes
  // Resident set of its largest process, in 2^20 bytes; at least that of this
  // process when it started it.
  double peak_mb = 0;
};

// Runs `command`, path and arguments, in this process's folder and waits for
// it. What it prints on standard output is dropped. The system's error if it
// cannot be started; FailedPrecondition, naming the command, if it ends with
// another exit code than 0 or by a signal.
absl::StatusOr<RunCost> MeasureRun(const std::vector<std::string>& command);

// The same `repetitions` times: the least of each figure, since what else a
// machine does only adds to them.
absl::StatusOr<RunCost> MeasureRuns(const std::vector<std::string>& command,
                                    int repetitions);

}  // namespace tools::cost

#endif  // TOOLS_COST_MEASURED_RUN_H_
