// The files that a finished job gives, some of which are made when they are
// asked for.
#ifndef TOOLS_STUDIO_JOBS_JOB_RESULTS_H_
#define TOOLS_STUDIO_JOBS_JOB_RESULTS_H_

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "tools/studio/base/limit.h"
#include "tools/studio/jobs/job_folders.h"
#include "tools/studio/jobs/job_table.h"
#include "tools/studio/store/store.h"

namespace studio {

// ConvertResult (convert_client.h) for this server, or what stands for it in a
// test.
using Converter =
    std::function<absl::Status(const std::string& from, const std::string& to,
                               const std::string& frames, int64_t max_bytes)>;

// Safe to use from many threads.
class JobResults {
 public:
  // store, folders and table outlive this.
  JobResults(Store* store, const JobFolders* folders, JobTable* table,
             Converter convert)
      : store_(*store),
        folders_(*folders),
        table_(*table),
        convert_(std::move(convert)) {}

  // See JobQueue::Result.
  absl::StatusOr<std::string> Get(const std::string& id,
                                  const std::string& format);

  // See JobQueue::Keypoints.
  absl::StatusOr<std::string> Keypoints(const std::string& id) const;

 private:
  // Each takes up to 4 GiB of memory and up to an hour.
  static constexpr int kConversionsAtATime = 2;

  absl::StatusOr<Reservation> ReserveResult();
  absl::Status Convert(const Job& job, const std::string& to);

  Store& store_;
  const JobFolders& folders_;
  JobTable& table_;
  const Converter convert_;
  Limit places_{kConversionsAtATime};
  absl::Mutex mutex_;
  absl::CondVar converted_;
  // Paths of results in the making.
  std::set<std::string> converting_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace studio

#endif  // TOOLS_STUDIO_JOBS_JOB_RESULTS_H_
