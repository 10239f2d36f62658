// The files of jobs. Each job has a folder of the store (store/store.h):
//
//   job.json          what JobToJson gives, replaced as a whole
//   inputs/           source, driving: what the request named, linked or copied
//   output/           result.mp4, motion.safetensors, keypoints.json, and what
//                     was converted from them; each appears as a whole
//   worker.log        what the worker printed
#ifndef TOOLS_STUDIO_JOBS_JOB_FOLDERS_H_
#define TOOLS_STUDIO_JOBS_JOB_FOLDERS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tools/studio/jobs/job.h"
#include "tools/studio/jobs/job_request.h"

namespace studio {

class Store;

// A job that may write less cannot even write its first frames.
inline constexpr int64_t kLeastJobBytes = int64_t{1} << 20;

// Safe to use from many threads, one at a time for each job.
class JobFolders {
 public:
  // store: outlives this.
  explicit JobFolders(Store* store) : store_(*store) {}

  // The jobs that are there. What was queued or running when the last server
  // ended is interrupted, and its half results are removed; a folder without a
  // job.json is removed; what another version wrote is left alone. The system's
  // error where something cannot be read.
  absl::StatusOr<std::vector<Job>> Load() const;

  // A new folder with the request's inputs in it. files: the paths of what is
  // taken; then those of what was taken, and of the result. Its id.
  // ResourceExhausted on a full disk; nothing is left then.
  absl::StatusOr<std::string> Make(const JobRequest& request,
                                   JobFiles* files) const;

  // Writes job.json.
  absl::Status Save(const Job& job) const;

  // Removes what is in output/.
  void ClearOutput(const std::string& id) const;

  // Removes the folder.
  absl::Status Remove(const std::string& id) const;

  std::string Folder(const std::string& id) const;
  // Of the file `name` below output/.
  std::string Output(const std::string& id, absl::string_view name) const;

 private:
  absl::Status LoadJob(const std::string& id, std::vector<Job>* jobs) const;
  absl::Status TakeInputs(const std::string& id, const JobRequest& request,
                          JobFiles* files) const;

  Store& store_;
};

}  // namespace studio

#endif  // TOOLS_STUDIO_JOBS_JOB_FOLDERS_H_
