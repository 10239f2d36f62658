// All jobs in memory: what is seen of each, the order of the queue, and who
// waits for a change.
#ifndef TOOLS_STUDIO_JOBS_JOB_TABLE_H_
#define TOOLS_STUDIO_JOBS_JOB_TABLE_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "tools/studio/jobs/job.h"
#include "tools/studio/jobs/job_request.h"
#include "tools/studio/store/store.h"

namespace studio {

// What a job needs until it has ended.
struct JobWork {
  JobRequest request;
  JobFiles files;  // as the worker has them
  // Keep uploads from removal.
  std::vector<InputHold> holds;
  // In the queue; is given back when the job starts.
  std::shared_ptr<void> place;
};

struct NextJob {
  Job job;
  JobRequest request;
  JobFiles files;
};

// Safe to use from many threads. An id that is none is NotFound.
class JobTable {
 public:
  // save: keeps what has become of a queued job that is cancelled. It is called
  // while the table is locked, so that the job is not removed meanwhile.
  explicit JobTable(std::function<void(const Job& job)> save)
      : save_(std::move(save)) {}

  // --- What is seen

  // The newest first.
  std::vector<Job> List() const;
  absl::StatusOr<Job> Get(const std::string& id) const;
  // See JobQueue::Wait.
  absl::StatusOr<Job> Wait(const std::string& id, int64_t version,
                           absl::Duration timeout) const;
  // See JobQueue::LatestFrame.
  absl::StatusOr<std::string> LatestFrame(const std::string& id) const;
  std::vector<std::string> EndedBefore(absl::Time time) const;

  // --- What users do

  // Of an earlier server.
  void AddEnded(Job job);
  // At the end of the queue. The job as it is seen then.
  Job AddQueued(Job job, JobWork work);
  // Queued: it has ended. Running: IsCancelled from now on. Ended: nothing.
  absl::StatusOr<Job> Cancel(const std::string& id);
  // FailedPrecondition unless it has ended and nobody holds it.
  absl::Status Remove(const std::string& id);
  // Keeps the job from removal while a copy of what it gives lives, which the
  // table outlives.
  absl::StatusOr<std::shared_ptr<void>> Hold(const std::string& id);

  // --- What the one runner does

  // Waits for a job and makes it the running one. Empty after Stop.
  std::optional<NextJob> Next();
  bool IsCancelled(const std::string& id) const;
  void SetProgress(const std::string& id, const JobProgress& progress);
  // png: the newest frame, of number `index`.
  void SetFrame(const std::string& id, int64_t index, const std::string& png);
  // job: has ended. It is seen from now on.
  void End(Job job);

  // Next and Wait end, now and from now on.
  void Stop();
  bool is_stopping() const;

 private:
  struct Entry {
    Job job;
    JobWork work;
    std::string frame;  // the newest, PNG; empty: none
    bool is_cancelled = false;
    int num_holds = 0;
  };

  Entry* Find(const std::string& id) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  const Entry* Find(const std::string& id) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Changed(Entry* entry) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // All behind one that has left the queue have moved up.
  void MovedUp() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void CancelQueued(Entry* entry) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Job Seen(const Entry& entry) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const std::function<void(const Job& job)> save_;
  mutable absl::Mutex mutex_;
  mutable absl::CondVar changed_;
  std::map<std::string, Entry> entries_ ABSL_GUARDED_BY(mutex_);
  std::deque<std::string> waiting_ ABSL_GUARDED_BY(mutex_);
  int64_t version_ ABSL_GUARDED_BY(mutex_) = 0;
  bool is_stopping_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace studio

#endif  // TOOLS_STUDIO_JOBS_JOB_TABLE_H_
