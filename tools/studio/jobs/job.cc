#include "tools/studio/jobs/job.h"

#include <exception>
#include <stdexcept>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "tools/studio/base/field_error.h"

namespace studio {
namespace {

using Json = nlohmann::json;

constexpr struct {
  JobState state;
  const char* name;
} kStates[] = {{JobState::kQueued, "queued"},
               {JobState::kRunning, "running"},
               {JobState::kDone, "done"},
               {JobState::kFailed, "failed"},
               {JobState::kCancelled, "cancelled"},
               {JobState::kInterrupted, "interrupted"}};

// RFC 3339 in UTC.
Json TimeJson(absl::Time time) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", time, absl::UTCTimeZone());
}

template <typename T>
Json OrNull(const std::optional<T>& value) {
  return value ? Json(*value) : Json();
}

Json OrNull(const std::optional<absl::Time>& time) {
  return time ? TimeJson(*time) : Json();
}

Json ProgressJson(const JobProgress& progress) {
  return {{"stage", progress.stage},
          {"done", progress.done},
          {"total", OrNull(progress.total)},
          {"per_second", progress.per_second},
          {"seconds_left", OrNull(progress.seconds_left)}};
}

Json ErrorJson(const std::optional<JobError>& error) {
  if (!error) return Json();
  return {{"code", error->code},
          {"message", error->message},
          {"field", error->field}};
}

// What Read() throws for values that JSON allows and a job does not.
class NoJob : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Throws NoJob or Json::exception, as all of the reading below.
std::optional<absl::Time> ReadTime(const Json& json, const char* field) {
  if (json.at(field).is_null()) return std::nullopt;
  absl::Time time;
  std::string error;
  if (!absl::ParseTime(absl::RFC3339_full, json.at(field).get<std::string>(),
                       &time, &error)) {
    throw NoJob(absl::StrCat(field, ": ", error));
  }
  return time;
}

JobState ReadState(const std::string& name) {
  for (const auto& [state, state_name] : kStates) {
    if (name == state_name) return state;
  }
  throw NoJob(absl::StrCat("state: ", name));
}

JobProgress ReadProgress(const Json& json) {
  JobProgress progress;
  progress.stage = json.at("stage").get<std::string>();
  progress.done = json.at("done").get<int64_t>();
  progress.per_second = json.at("per_second").get<double>();
  if (!json.at("total").is_null()) {
    progress.total = json.at("total").get<int64_t>();
  }
  return progress;
}

std::optional<JobError> ReadError(const Json& json) {
  if (json.is_null()) return std::nullopt;
  return JobError{json.at("code").get<std::string>(),
                  json.at("message").get<std::string>(),
                  json.at("field").get<std::string>()};
}

Job Read(const Json& json) {
  Job job;
  job.id = json.at("id").get<std::string>();
  job.state = ReadState(json.at("state").get<std::string>());
  job.created = ReadTime(json, "created").value_or(absl::UnixEpoch());
  job.started = ReadTime(json, "started");
  job.ended = ReadTime(json, "ended");
  job.request = json.at("request");
  job.progress = ReadProgress(json.at("progress"));
  job.error = ReadError(json.at("error"));
  job.warnings = json.at("warnings").get<std::vector<std::string>>();
  job.command = json.at("command").get<std::string>();
  job.results = json.at("results").get<std::vector<std::string>>();
  job.has_alpha = json.value("alpha", false);  // older ones have none
  job.frames = json.at("frames").get<int64_t>();
  job.frame_width = json.at("frame_width").get<int>();
  job.frame_height = json.at("frame_height").get<int>();
  return job;
}

}  // namespace

absl::string_view JobStateName(JobState state) {
  for (const auto& [other, name] : kStates) {
    if (state == other) return name;
  }
  return "";
}

bool HasEnded(JobState state) {
  return state != JobState::kQueued && state != JobState::kRunning;
}

JobError ErrorOf(const absl::Status& status) {
  return {CodeName(status.code()), std::string(status.message()),
          FieldOf(status)};
}

JobError InterruptedError() {
  return {"aborted", "the server ended before the job did; start it again", ""};
}

std::string Job::type() const {
  const auto found = request.is_object() ? request.find("type") : request.end();
  return found != request.end() && found->is_string()
             ? found->get<std::string>()
             : "";
}

Json JobToJson(const Job& job) {
  return {{"id", job.id},
          {"type", job.type()},
          {"state", std::string(JobStateName(job.state))},
          {"created", TimeJson(job.created)},
          {"started", OrNull(job.started)},
          {"ended", OrNull(job.ended)},
          {"position", job.position},
          {"request", job.request},
          {"progress", ProgressJson(job.progress)},
          {"error", ErrorJson(job.error)},
          {"warnings", job.warnings},
          {"command", job.command},
          {"results", job.results},
          {"alpha", job.has_alpha},
          {"frames", job.frames},
          {"frame_width", job.frame_width},
          {"frame_height", job.frame_height},
          {"latest_frame", job.latest_frame}};
}

absl::StatusOr<Job> JobFromJson(const Json& json) {
  try {
    return Read(json);
  } catch (const std::exception& error) {
    return absl::DataLossError(absl::StrCat("is no job: ", error.what()));
  }
}

}  // namespace studio
