// One job as everyone sees it.
#ifndef TOOLS_STUDIO_JOBS_JOB_H_
#define TOOLS_STUDIO_JOBS_JOB_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "nlohmann/json.hpp"

namespace studio {

enum class JobState {
  kQueued,
  kRunning,
  kDone,
  kFailed,
  kCancelled,
  kInterrupted,  // the server ended before the job did
};

// "queued", "running", ...
absl::string_view JobStateName(JobState state);

// Whether it will not change any more.
bool HasEnded(JobState state);

// Why a job failed, or why a request was refused.
struct JobError {
  std::string code;     // "invalid_argument", ...: the status's, in lower case
  std::string message;  // what, where, what to do
  std::string field;    // of the request; empty where it is none
};

// A status that is not OK as such.
JobError ErrorOf(const absl::Status& status);

struct JobProgress {
  // "loading", "preparing", "animating" (or "detecting"), "encoding", "done";
  // empty before the first.
  std::string stage;
  int64_t done = 0;  // frames
  std::optional<int64_t> total;
  double per_second = 0;  // frames, since the first one
  std::optional<double> seconds_left;
};

struct Job {
  std::string id;
  JobState state = JobState::kQueued;
  absl::Time created;
  std::optional<absl::Time> started, ended;
  // While it is queued: 1 is the next one. Else 0.
  int position = 0;
  nlohmann::json request;  // as it was sent
  JobProgress progress;
  std::optional<JobError> error;
  std::vector<std::string> warnings;
  // The command line that makes the same file. Uploads stand there by their
  // ids: what their files are called, only who sent them knows.
  std::string command;
  // Formats that Result gives once it is done: "mp4", ... or "motion".
  std::vector<std::string> results;
  // The result can be seen through: webm and png keep that, mp4 and gif are
  // over white.
  bool has_alpha = false;
  int64_t frames = 0;
  int frame_width = 0;
  int frame_height = 0;
  // Of the newest frame that Frame gives while the job runs; -1: none yet.
  int64_t latest_frame = -1;

  // Rises with every change; not stored.
  int64_t version = 0;

  // "animate" or "motion", as the request says.
  std::string type() const;
};

// Of a job that the end of the server has interrupted.
JobError InterruptedError();

// As the API and job.json have it:
//
//   {"id","type","state","created","started","ended","position","request",
//    "progress":{"stage","done","total","per_second","seconds_left"},
//    "error":{"code","message","field"} or null, "warnings","command",
//    "results","alpha","frames","frame_width","frame_height","latest_frame"}
nlohmann::json JobToJson(const Job& job);

// The reverse, of job.json. DataLoss for what is no job.
absl::StatusOr<Job> JobFromJson(const nlohmann::json& json);

}  // namespace studio

#endif  // TOOLS_STUDIO_JOBS_JOB_H_
