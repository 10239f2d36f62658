// Running another program and waiting for it.
#ifndef PIPELINES_BASE_CHILD_PROCESS_H_
#define PIPELINES_BASE_CHILD_PROCESS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace pipelines {

// Runs `command` (path and arguments) to its end, with this process's
// environment, folder and output. Returns its exit code; 128 + n if signal n
// ended it.
//
// A stop signal (base/stop_signal.h) is handed on, once: the child is in a
// process group of its own, so Ctrl-C on a terminal does not reach it twice. It
// is asked to stop, too, if this process dies. The system's error if the
// program cannot be started.
absl::StatusOr<int> RunChild(const std::vector<std::string>& command);

// The path of the program `name` beside the one that is running.
std::string SiblingProgram(const std::string& name);

}  // namespace pipelines

#endif  // PIPELINES_BASE_CHILD_PROCESS_H_
