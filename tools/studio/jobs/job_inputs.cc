#include "tools/studio/jobs/job_inputs.h"

#include <filesystem>
#include <system_error>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "third_party/absl/status_macros.h"
#include "tools/studio/base/field_error.h"
#include "tools/studio/jobs/result_format.h"

namespace studio {
namespace {

constexpr char kOfJob[] = "job:";

// Where a file is for whoever types a command: not behind the links that the
// program finds it by.
std::string TypedPath(const std::string& path) {
  std::error_code error;
  const std::string real = std::filesystem::canonical(path, error).string();
  return error ? path : real;
}

void Take(const InputHold& hold, std::string* file, std::string* shown,
          JobInputs* inputs) {
  inputs->holds.push_back(hold);
  *file = hold->path;
  *shown =
      absl::StartsWith(hold->id, kBundled) ? TypedPath(hold->path) : hold->id;
}

absl::Status TakeSource(const JobRequest& request, Store* store,
                        JobInputs* inputs) {
  const absl::StatusOr<InputHold> hold = store->Hold(request.source);
  if (!hold.ok()) return WithField("source", hold.status());
  if ((*hold)->kind != "image") {
    return WithField("source",
                     absl::InvalidArgumentError(absl::StrCat(
                         "source is of kind ", (*hold)->kind,
                         "; name a picture that was uploaded (kind=image)")));
  }
  Take(*hold, &inputs->files.source, &inputs->shown.source, inputs);
  return absl::OkStatus();
}

absl::Status TakeMotion(const std::string& job, const InputSources& sources,
                        JobInputs* inputs) {
  const absl::StatusOr<std::string> motion = sources.motion(job);
  if (absl::IsInvalidArgument(motion.status())) {
    return WithField(
        "driving",
        absl::InvalidArgumentError(absl::StrCat(
            "job ", job, " made no motion file; name a job of type motion")));
  }
  if (!motion.ok()) return WithField("driving", motion.status());
  inputs->files.driving = *motion;
  inputs->shown.driving = DownloadName(job, *FindResultFormat("motion"));
  return absl::OkStatus();
}

absl::Status WrongDriving(const std::string& kind, bool is_motion) {
  return WithField(
      "driving",
      absl::InvalidArgumentError(absl::StrCat(
          "driving is of kind ", kind, "; name a video that was uploaded ",
          is_motion ? "(kind=video)" : "(kind=video), or a motion file")));
}

absl::Status TakeDriving(const JobRequest& request, const InputSources& sources,
                         JobInputs* inputs) {
  if (absl::StartsWith(request.driving, kOfJob)) {
    if (request.is_motion) return WrongDriving("motion", request.is_motion);
    return TakeMotion(request.driving.substr(sizeof(kOfJob) - 1), sources,
                      inputs);
  }
  const absl::StatusOr<InputHold> hold = sources.store->Hold(request.driving);
  if (!hold.ok()) return WithField("driving", hold.status());
  const std::string& kind = (*hold)->kind;
  const bool fits = kind == "video" || (kind == "motion" && !request.is_motion);
  if (!fits) return WrongDriving(kind, request.is_motion);
  Take(*hold, &inputs->files.driving, &inputs->shown.driving, inputs);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<JobInputs> FindInputs(const JobRequest& request,
                                     const InputSources& sources) {
  JobInputs inputs;
  if (!request.is_motion) {
    RETURN_IF_ERROR(TakeSource(request, sources.store, &inputs));
  }
  RETURN_IF_ERROR(TakeDriving(request, sources, &inputs));
  const absl::StatusOr<std::string> checkpoint =
      sources.checkpoint(request.checkpoint);
  if (!checkpoint.ok()) return WithField("checkpoint", checkpoint.status());
  inputs.files.checkpoint = *checkpoint;
  inputs.shown.checkpoint = TypedPath(*checkpoint);
  return inputs;
}

}  // namespace studio
