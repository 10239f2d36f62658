#include "tools/studio/jobs/job_folders.h"

#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "networks/files/atomic_file.h"
#include "networks/files/folder.h"
#include "networks/files/read_file.h"
#include "networks/files/system_error.h"
#include "networks/files/temporary.h"
#include "nlohmann/json.hpp"
#include "third_party/absl/status_macros.h"
#include "tools/studio/jobs/result_format.h"
#include "tools/studio/store/store.h"

namespace studio {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

// Gives the file `from` the name `to`, too. What is not the store's own, as the
// bundled files, is copied: it may be changed in place, and a second name
// changes the file's own time. (Those are links to files besides.)
absl::Status TakeFile(const std::string& from, const std::string& to,
                      bool is_stored) {
  if (is_stored) return networks::files::LinkOrCopyAtomically(from, to);
  std::error_code error;
  fs::copy_file(from, to, error);
  if (!error) return absl::OkStatus();
  return networks::files::SystemError(error, from, "copy this file");
}

// input: its id in the request; path: its file, empty where it has none; then
// that of what was taken.
absl::Status TakeInput(const std::string& input, const std::string& target,
                       std::string* path) {
  if (path->empty()) return absl::OkStatus();
  const bool is_stored = !absl::StartsWith(input, kBundled);
  RETURN_IF_ERROR(TakeFile(*path, target, is_stored));
  *path = target;
  return absl::OkStatus();
}

void Interrupt(Job* job) {
  job->state = JobState::kInterrupted;
  job->ended = absl::Now();
  job->results.clear();
  job->error = InterruptedError();
}

}  // namespace

std::string JobFolders::Folder(const std::string& id) const {
  return store_.JobFolder(id);
}

std::string JobFolders::Output(const std::string& id,
                               absl::string_view name) const {
  return absl::StrCat(Folder(id), "/output/", name);
}

absl::Status JobFolders::Save(const Job& job) const {
  return networks::files::WriteAtomically(
      Folder(job.id) + "/job.json",
      JobToJson(job).dump(1, ' ', false, Json::error_handler_t::replace));
}

void JobFolders::ClearOutput(const std::string& id) const {
  std::error_code error;
  for (fs::directory_iterator entry(Output(id, ""), error), end;
       !error && entry != end; entry.increment(error)) {
    std::error_code ignored;
    fs::remove_all(entry->path(), ignored);
  }
}

absl::Status JobFolders::Remove(const std::string& id) const {
  return store_.RemoveJobFolder(id);
}

absl::Status JobFolders::LoadJob(const std::string& id,
                                 std::vector<Job>* jobs) const {
  const absl::StatusOr<std::string> text =
      networks::files::ReadFile(Folder(id) + "/job.json");
  // The server ended before the job was there.
  if (absl::IsNotFound(text.status())) return Remove(id);
  RETURN_IF_ERROR(text.status());
  absl::StatusOr<Job> job =
      JobFromJson(Json::parse(*text, nullptr, /*allow_exceptions=*/false));
  // What another version wrote stays as it is.
  if (!job.ok() || job->id != id) return absl::OkStatus();
  if (HasEnded(job->state)) {
    networks::files::RemoveAbandoned(Output(id, ""));
  } else {
    Interrupt(&*job);
    ClearOutput(id);
    RETURN_IF_ERROR(Save(*job));
  }
  store_.CountJob(id);
  jobs->push_back(*std::move(job));
  return absl::OkStatus();
}

absl::StatusOr<std::vector<Job>> JobFolders::Load() const {
  std::vector<Job> jobs;
  ASSIGN_OR_RETURN(const std::vector<std::string> ids, store_.JobIds());
  for (const std::string& id : ids) {
    RETURN_IF_ERROR(LoadJob(id, &jobs));
  }
  return jobs;
}

absl::Status JobFolders::TakeInputs(const std::string& id,
                                    const JobRequest& request,
                                    JobFiles* files) const {
  for (const char* name : {"/inputs", "/output"}) {
    RETURN_IF_ERROR(networks::files::MakeFolder(Folder(id) + name));
  }
  const std::string inputs = Folder(id) + "/inputs/";
  RETURN_IF_ERROR(TakeInput(request.source, inputs + "source", &files->source));
  RETURN_IF_ERROR(
      TakeInput(request.driving, inputs + "driving", &files->driving));
  files->output = Output(id, WorkerResultFile(request.is_motion));
  return absl::OkStatus();
}

absl::StatusOr<std::string> JobFolders::Make(const JobRequest& request,
                                             JobFiles* files) const {
  ASSIGN_OR_RETURN(const std::string id, store_.MakeJobFolder());
  const absl::Status status = TakeInputs(id, request, files);
  if (status.ok()) return id;
  Remove(id).IgnoreError();
  return status;
}

}  // namespace studio
