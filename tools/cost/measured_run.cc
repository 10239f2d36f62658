#include "tools/cost/measured_run.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "pipelines/base/child_process.h"
#include "pipelines/base/stopwatch.h"
#include "third_party/absl/status_macros.h"

namespace tools::cost {
namespace {

absl::Status CheckEnd(int code, const std::vector<std::string>& command) {
  if (code == 0) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      "the program ended with ", code, ": ", absl::StrJoin(command, " ")));
}

// Without what it prints.
absl::StatusOr<pipelines::ChildProcess> StartSilently(
    const std::vector<std::string>& command) {
  const int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
  if (null < 0) return absl::ErrnoToStatus(errno, "/dev/null");
  pipelines::ChildOptions options;
  options.descriptors = {{STDOUT_FILENO, null}};
  auto child = pipelines::ChildProcess::Start(command, options);
  close(null);
  return child;
}

}  // namespace

absl::StatusOr<RunCost> MeasureRun(const std::vector<std::string>& command) {
  const pipelines::Stopwatch watch;
  ASSIGN_OR_RETURN(pipelines::ChildProcess child, StartSilently(command));
  const int code = child.Wait();
  const RunCost cost = {watch.Seconds(), child.usage().processor_seconds,
                        child.usage().peak_mb};
  RETURN_IF_ERROR(CheckEnd(code, command));
  return cost;
}

absl::StatusOr<RunCost> MeasureRuns(const std::vector<std::string>& command,
                                    int repetitions) {
  ASSIGN_OR_RETURN(RunCost least, MeasureRun(command));
  for (int i = 1; i < repetitions; ++i) {
    ASSIGN_OR_RETURN(const RunCost cost, MeasureRun(command));
    least.seconds = std::min(least.seconds, cost.seconds);
    least.processor_seconds =
        std::min(least.processor_seconds, cost.processor_seconds);
    least.peak_mb = std::min(least.peak_mb, cost.peak_mb);
  }
  return least;
}

}  // namespace tools::cost
