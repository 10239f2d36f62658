#include "tools/studio/jobs/job_inputs.h"

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "third_party/absl/status_macros.h"
#include "tools/studio/jobs/error_field.h"

namespace studio {
namespace {

constexpr char kOfJob[] = "job:";

absl::StatusOr<std::string> SourceOf(const JobRequest& request, Store* store,
                                     std::vector<InputHold>* holds) {
  const absl::StatusOr<InputHold> hold = store->Hold(request.source);
  if (!hold.ok()) return WithField("source", hold.status());
  if ((*hold)->kind != "image") {
    return WithField("source",
                     absl::InvalidArgumentError(absl::StrCat(
                         "source is of kind ", (*hold)->kind,
                         "; name a picture that was uploaded (kind=image)")));
  }
  holds->push_back(*hold);
  return (*hold)->path;
}

absl::StatusOr<std::string> DrivingOf(const JobRequest& request,
                                      const InputSources& sources,
                                      std::vector<InputHold>* holds) {
  if (absl::StartsWith(request.driving, kOfJob)) {
    const absl::StatusOr<std::string> motion =
        sources.motion(request.driving.substr(sizeof(kOfJob) - 1));
    if (motion.ok()) return motion;
    return WithField("driving", motion.status());
  }
  const absl::StatusOr<InputHold> hold = sources.store->Hold(request.driving);
  if (!hold.ok()) return WithField("driving", hold.status());
  const std::string& kind = (*hold)->kind;
  const bool fits = kind == "video" || (kind == "motion" && !request.is_motion);
  if (!fits) {
    return WithField(
        "driving",
        absl::InvalidArgumentError(absl::StrCat(
            "driving is of kind ", kind, "; name a video that was uploaded ",
            request.is_motion ? "(kind=video)"
                              : "(kind=video), or a motion file")));
  }
  holds->push_back(*hold);
  return (*hold)->path;
}

}  // namespace

absl::StatusOr<JobInputs> FindInputs(const JobRequest& request,
                                     const InputSources& sources) {
  JobInputs inputs;
  JobFiles& files = inputs.files;
  if (!request.is_motion) {
    ASSIGN_OR_RETURN(files.source,
                     SourceOf(request, sources.store, &inputs.holds));
  }
  ASSIGN_OR_RETURN(files.driving, DrivingOf(request, sources, &inputs.holds));
  const absl::StatusOr<std::string> checkpoint =
      sources.checkpoint(request.checkpoint);
  if (!checkpoint.ok()) return WithField("checkpoint", checkpoint.status());
  files.checkpoint = *checkpoint;
  return inputs;
}

}  // namespace studio
