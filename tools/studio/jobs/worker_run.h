// Runs the worker of one job and listens to it.
#ifndef TOOLS_STUDIO_JOBS_WORKER_RUN_H_
#define TOOLS_STUDIO_JOBS_WORKER_RUN_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "tools/studio/jobs/worker_events.h"

namespace studio {

struct WorkerRun {
  std::string program;
  std::string job_folder;  // absolute, with the folders inputs and output
  std::vector<std::string> flags;  // of animate
  int64_t memory = 0;              // bytes; 0: no limit
  int64_t file_size = 0;           // bytes that a file of it may have
  absl::Duration grace;            // between SIGTERM and SIGKILL

  // Each event but the last (done or error).
  std::function<void(const WorkerEvent& event)> event;
  // Asked some twenty times a second. Whether to tell it to end, and whether to
  // end it at once.
  std::function<bool()> stop, kill;
};

// Runs it to its end. What it said last where it was done; its error, or
// Cancelled where it ended because it was told to; ResourceExhausted where the
// system ended it for its memory; Internal where it broke, wrote what no worker
// writes, or cannot be started.
absl::StatusOr<WorkerEvent> RunWorker(const WorkerRun& run);

}  // namespace studio

#endif  // TOOLS_STUDIO_JOBS_WORKER_RUN_H_
