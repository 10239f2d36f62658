// How far a job is, from what its worker tells.
#ifndef TOOLS_STUDIO_JOBS_JOB_PROGRESS_H_
#define TOOLS_STUDIO_JOBS_JOB_PROGRESS_H_

#include "absl/time/time.h"
#include "tools/studio/jobs/job.h"
#include "tools/studio/jobs/worker_events.h"

namespace studio {

class ProgressMeter {
 public:
  // Takes an event of kind stage or progress that comes `since_start` after the
  // job began; leaves others.
  // The speed is that since the stage began; writing the end of the file
  // ("encoding") belongs to the stage before.
  void Take(const WorkerEvent& event, absl::Duration since_start);

  const JobProgress& progress() const { return progress_; }

 private:
  JobProgress progress_;
  absl::Duration stage_begin_;
};

}  // namespace studio

#endif  // TOOLS_STUDIO_JOBS_JOB_PROGRESS_H_
