// The files that a request names by ids.
#ifndef TOOLS_STUDIO_JOBS_JOB_INPUTS_H_
#define TOOLS_STUDIO_JOBS_JOB_INPUTS_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tools/studio/jobs/job_request.h"
#include "tools/studio/store/store.h"

namespace studio {

// Where inputs are looked for.
struct InputSources {
  Store* store = nullptr;
  // The motion file of a job, by the job's id. InvalidArgument where it makes
  // none.
  std::function<absl::StatusOr<std::string>(const std::string& id)> motion;
  // The file of a checkpoint, by its id.
  std::function<absl::StatusOr<std::string>(const std::string& id)> checkpoint;
};

struct JobInputs {
  JobFiles files;  // source, driving and checkpoint
  // The same as Job::command shows them: uploads by their ids, the motion file
  // of a job by the name under which it is saved.
  JobFiles shown;
  // Keep uploads from removal.
  std::vector<InputHold> holds;
};

// Errors name the field (field_error.h): those of Store::Hold and of the
// functions of `sources`; InvalidArgument for an input of another kind than the
// field takes. `driving` is an upload or, of an animation, "job:ID": the
// motion file of a job.
absl::StatusOr<JobInputs> FindInputs(const JobRequest& request,
                                     const InputSources& sources);

}  // namespace studio

#endif  // TOOLS_STUDIO_JOBS_JOB_INPUTS_H_
