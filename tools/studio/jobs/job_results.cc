#include "tools/studio/jobs/job_results.h"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <system_error>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "networks/files/temporary.h"
#include "third_party/absl/status_macros.h"
#include "tools/studio/jobs/job.h"
#include "tools/studio/jobs/result_format.h"

namespace studio {
namespace {

constexpr char kKeypoints[] = "keypoints.json";
// Above what results have, and far below the default quota.
constexpr int64_t kMostResultBytes = int64_t{4} << 30;

bool Exists(const std::string& path) {
  std::error_code error;
  return std::filesystem::exists(path, error);
}

// The file of a format that the job can give; the errors of JobQueue::Result.
absl::StatusOr<std::string> FileOf(const Job& job, const std::string& format) {
  const std::vector<std::string> names =
      ResultFormatNames(job.type() == "motion");
  if (std::find(names.begin(), names.end(), format) == names.end()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "format is '", format, "'; this job has ", absl::StrJoin(names, ", ")));
  }
  if (job.state == JobState::kDone) {
    return std::string(FindResultFormat(format)->file);
  }
  return absl::FailedPreconditionError(absl::StrCat(
      "the job is ", JobStateName(job.state), " and has no result"));
}

}  // namespace

// Half of what is left, so that uploads and the other conversion have room,
// too.
absl::StatusOr<Reservation> JobResults::ReserveResult() {
  const int64_t half = (store_.quota() - store_.used()) / 2;
  return store_.Reserve(std::clamp(half, kLeastJobBytes, kMostResultBytes));
}

absl::Status JobResults::Convert(const Job& job, const std::string& to) {
  ASSIGN_OR_RETURN(const Reservation reservation, ReserveResult());
  const std::string from =
      folders_.Output(job.id, WorkerResultFile(/*is_motion=*/false));
  const std::string frames =
      job.has_alpha ? folders_.Output(job.id, FindResultFormat("png")->file)
                    : "";
  const absl::Status status = convert_(from, to, frames, reservation.bytes());
  // What a converter that was killed had in the making.
  if (!status.ok()) {
    networks::files::RemoveAbandoned(folders_.Output(job.id, ""));
  }
  store_.CountJob(job.id);
  return status;
}

absl::StatusOr<std::string> JobResults::Get(const std::string& id,
                                            const std::string& format) {
  ASSIGN_OR_RETURN(const Job job, table_.Get(id));
  ASSIGN_OR_RETURN(const std::string file, FileOf(job, format));
  const std::string path = folders_.Output(id, file);
  if (Exists(path)) return path;
  // From here on the job cannot be removed.
  ASSIGN_OR_RETURN(const std::shared_ptr<void> hold, table_.Hold(id));
  std::shared_ptr<void> place;
  {
    const absl::MutexLock lock(&mutex_);
    while (converting_.count(path) > 0) converted_.Wait(&mutex_);
    if (Exists(path)) return path;
    place = places_.Take();
    if (!place) {
      return absl::UnavailableError(
          "other results are being converted; try again in a minute");
    }
    converting_.insert(path);
  }
  const absl::Status status = Convert(job, path);
  const absl::MutexLock lock(&mutex_);
  converting_.erase(path);
  converted_.SignalAll();
  RETURN_IF_ERROR(status);
  return path;
}

absl::StatusOr<std::string> JobResults::Keypoints(const std::string& id) const {
  ASSIGN_OR_RETURN(const Job job, table_.Get(id));
  if (job.type() != "motion") {
    return absl::InvalidArgumentError(
        "the job is an animation; only motion jobs have keypoints");
  }
  if (job.state == JobState::kDone) return folders_.Output(id, kKeypoints);
  return absl::FailedPreconditionError(absl::StrCat(
      "the job is ", JobStateName(job.state), " and has no keypoints"));
}

}  // namespace studio
