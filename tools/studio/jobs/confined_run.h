// Runs a child program to its end and takes what it writes, within limits.
#ifndef TOOLS_STUDIO_JOBS_CONFINED_RUN_H_
#define TOOLS_STUDIO_JOBS_CONFINED_RUN_H_

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "pipelines/base/child_process.h"
#include "tools/studio/jobs/jail.h"

namespace studio {

// The path of the program `name` of this folder, as it was built with this one.
std::string JobProgram(const std::string& name);

// Of a child that is to be confined: it has its three descriptors and only the
// variables that programs of this folder need, and is killed when the thread
// that starts it ends. `limits` and `jail`, which may be null, hold for it from
// its first instruction; they outlive Start.
pipelines::ChildOptions ConfinedChild(const std::string& program,
                                      const ProcessLimits& limits,
                                      const FileJail* jail);

struct ConfinedRun {
  std::vector<std::string> command;  // the program first
  int input = -1;                    // standard input; -1: nothing
  ProcessLimits limits;
  const FileJail* jail = nullptr;
  // Has all variables of this process. For what reads no stranger's file alone.
  bool keeps_variables = false;
  size_t max_output = 0;  // bytes
  absl::Duration timeout;
  // Asked every second: whether to end it at once. Empty: never.
  std::function<bool()> kill;
};

struct ConfinedAnswer {
  // As ChildProcess::Wait gives it; 128 + SIGKILL where it was killed here.
  int exit_code = 0;
  std::string output;
  bool was_too_long = false;  // killed for more output than max_output
  bool was_too_late = false;  // killed at the end of its time
  bool was_killed = false;    // because ConfinedRun::kill said so
};

// Standard error goes nowhere. The system's error where it cannot be started.
absl::StatusOr<ConfinedAnswer> RunConfined(const ConfinedRun& run);

}  // namespace studio

#endif  // TOOLS_STUDIO_JOBS_CONFINED_RUN_H_
