// Runs the jobs of a table, one after the other, in a thread of its own.
#ifndef TOOLS_STUDIO_JOBS_JOB_RUNNER_H_
#define TOOLS_STUDIO_JOBS_JOB_RUNNER_H_

#include <cstdint>
#include <functional>
#include <string>
#include <thread>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "tools/studio/jobs/job_folders.h"
#include "tools/studio/jobs/job_table.h"
#include "tools/studio/jobs/worker_events.h"
#include "tools/studio/jobs/worker_run.h"
#include "tools/studio/store/store.h"

namespace studio {

struct JobRunnerOptions {
  std::string worker;    // the program, absolute
  int64_t memory = 0;    // of the worker, in bytes; 0: no limit
  absl::Duration grace;  // between SIGTERM and SIGKILL
  // RunWorker (worker_run.h), or what stands for it in a test.
  std::function<absl::StatusOr<WorkerEvent>(const WorkerRun& run)> run =
      RunWorker;
};

class JobRunner {
 public:
  // Starts. store, folders and table outlive this; the table has no other
  // runner.
  JobRunner(const JobRunnerOptions& options, Store* store,
            const JobFolders* folders, JobTable* table);

  // Stops the table. The job that runs is interrupted.
  ~JobRunner();
  JobRunner(const JobRunner&) = delete;
  JobRunner& operator=(const JobRunner&) = delete;

 private:
  void RunAll();
  // The job as it has ended, and counted by the store.
  Job Run(const NextJob& next);
  absl::StatusOr<Reservation> ReserveResults();
  // max_bytes: of all files that the worker writes.
  absl::StatusOr<WorkerEvent> Work(const NextJob& next, int64_t max_bytes);
  // The job as it has ended, in its folder, too.
  Job End(const NextJob& next, absl::StatusOr<WorkerEvent> result);

  const JobRunnerOptions options_;
  Store& store_;
  const JobFolders& folders_;
  JobTable& table_;
  std::thread thread_;
};

}  // namespace studio

#endif  // TOOLS_STUDIO_JOBS_JOB_RUNNER_H_
