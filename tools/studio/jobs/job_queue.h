// The jobs: one after the other, each in a child process.
//
// The worker (worker_main.cc) is `animate` with the flags of Job::command, so
// it makes the same file. It is confined to the job's folder (job_folders.h,
// jail.h) before it reads the inputs, and dies with the server.
//
// Errors of a request name their field: see base/field_error.h.
#ifndef TOOLS_STUDIO_JOBS_JOB_QUEUE_H_
#define TOOLS_STUDIO_JOBS_JOB_QUEUE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "nlohmann/json.hpp"
#include "tools/studio/base/limit.h"
#include "tools/studio/jobs/job.h"
#include "tools/studio/jobs/job_folders.h"
#include "tools/studio/jobs/job_results.h"
#include "tools/studio/jobs/job_runner.h"
#include "tools/studio/jobs/job_table.h"
#include "tools/studio/store/store.h"

namespace studio {

struct JobQueueOptions {
  // Where the jobs' folders and inputs are. Outlives the queue.
  Store* store = nullptr;

  // The file of a checkpoint by the id that a request names. NotFound where
  // there is none. Called from any thread.
  std::function<absl::StatusOr<std::string>(const std::string& id)> checkpoint;

  // The words that start `animate`, for Job::command.
  std::string animate = "tools/bazelw run //pipelines:animate --";
  // The worker's program, absolute. Empty: the one that was built with this
  // library.
  std::string worker;
  // Queued jobs besides the running one; more are Unavailable.
  int max_queue = 20;
  // Of the worker, in bytes; 0: no limit.
  int64_t memory = int64_t{8} << 30;
  // As `animate` takes it: auto, cpu, cuda, cuda:1.
  std::string device = "auto";
  // How long a worker may go on after it was told to end.
  absl::Duration grace = absl::Seconds(5);
  // True when the server is about to end: conversions end, too. Empty: never.
  // Called from any thread.
  std::function<bool()> is_stopping;
};

// Of a request: modes, motions, panels, starts, formats, as
// {"modes":["relative",...], "motions":[...], "panels":[...], "starts":[...],
//  "formats":["mp4",...]}.
nlohmann::json JobChoices();

// Safe to use from many threads.
class JobQueue {
 public:
  // Reads the jobs that are there. What was queued or running when the last
  // server ended is interrupted, and its half results are removed. The system's
  // error where the folders cannot be read; FailedPrecondition where the kernel
  // cannot confine workers (jail.h).
  static absl::StatusOr<std::unique_ptr<JobQueue>> Start(
      const JobQueueOptions& options);

  // Ends the running job, as interrupted.
  ~JobQueue();

  // Checks the request, takes its inputs and puts it at the end of the queue.
  //
  //   {"type":"animate", "source":ID, "driving":ID or "job:ID",
  //    "checkpoint":ID, "mode":"relative", "motion":"", "start_frame":"first",
  //    "motion_scales":{"1":0.8}, "crop":{"x","y","side"} or null,
  //    "panels":["result"], "size":0, "max_frames":0}
  //   {"type":"motion", "driving":ID, "checkpoint":ID, "max_frames":0}
  //
  // All but the type and the ids may be left out; the mode of the bundled still
  // and video is standard then. InvalidArgument for a field that is unknown, of
  // another type or out of range; NotFound for an id; FailedPrecondition for a
  // job that has no motion file (yet); ResourceExhausted for a full quota or
  // disk; Unavailable for a full queue.
  absl::StatusOr<Job> Submit(const nlohmann::json& request);

  // Queued: at once. Running: the worker is told to, and killed after `grace`.
  // Ended: nothing happens. NotFound. The job as it is then.
  absl::StatusOr<Job> Cancel(const std::string& id) {
    return table_.Cancel(id);
  }

  // With its folder. NotFound; FailedPrecondition unless it has ended.
  absl::Status Remove(const std::string& id);

  // Removes jobs that ended before `time`; how many.
  int RemoveOlderThan(absl::Time time);

  // The newest first.
  std::vector<Job> List() const { return table_.List(); }
  absl::StatusOr<Job> Get(const std::string& id) const {
    return table_.Get(id);
  }

  // The job, as soon as its version is above `version` or it has ended, or
  // after `timeout` as it is. NotFound, also if it is removed meanwhile.
  absl::StatusOr<Job> Wait(const std::string& id, int64_t version,
                           absl::Duration timeout) const {
    return table_.Wait(id, version, timeout);
  }

  // The path of a finished job's result: "mp4", "gif", "webm", "png" (a zip of
  // PNGs) or "motion". What is not there yet is converted from the mp4, which
  // can take minutes; several callers wait for one conversion.
  //
  // NotFound; InvalidArgument for a format that this job does not have;
  // FailedPrecondition unless it is done; ResourceExhausted for the disk;
  // Unavailable while two others are converted, and when the server ends.
  absl::StatusOr<std::string> Result(const std::string& id,
                                     const std::string& format) {
    return results_.Get(id, format);
  }

  // The newest frame of a running job as PNG, at most 512 pixels wide and high.
  // Empty where there is none: it has not begun, or has ended. (Frames of a
  // finished one: DecoderClient on its mp4.)
  absl::StatusOr<std::string> LatestFrame(const std::string& id) const {
    return table_.LatestFrame(id);
  }

  // The path of keypoints.json of a finished motion job:
  // {"fps","times":[seconds,...],"sets":[{"number","name"}],
  // "frames":[[[[x,y],...],...],...]}.
  absl::StatusOr<std::string> Keypoints(const std::string& id) const {
    return results_.Keypoints(id);
  }

 private:
  explicit JobQueue(const JobQueueOptions& options);

  const JobQueueOptions options_;
  Limit places_;  // of queued jobs
  const JobFolders folders_;
  JobTable table_;
  JobResults results_;
  // Ends first.
  std::unique_ptr<JobRunner> runner_;
};

}  // namespace studio

#endif  // TOOLS_STUDIO_JOBS_JOB_QUEUE_H_
