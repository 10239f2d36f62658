#include "tools/studio/jobs/job_queue.h"

#include <algorithm>
#include <deque>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <system_error>
#include <thread>
#include <tuple>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "networks/files/atomic_file.h"
#include "networks/files/folder.h"
#include "networks/files/read_file.h"
#include "networks/files/system_error.h"
#include "networks/files/temporary.h"
#include "third_party/absl/status_macros.h"
#include "tools/studio/jobs/confined_run.h"
#include "tools/studio/jobs/convert_client.h"
#include "tools/studio/jobs/error_field.h"
#include "tools/studio/jobs/jail.h"
#include "tools/studio/jobs/job_request.h"
#include "tools/studio/jobs/worker_events.h"
#include "tools/studio/jobs/worker_run.h"
#include "tools/studio/store/store.h"

namespace studio {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr char kResult[] = "result.mp4";
constexpr char kMotion[] = "motion.safetensors";
constexpr char kKeypoints[] = "keypoints.json";
constexpr char kOfJob[] = "job:";
constexpr char kBundled[] = "bundled:";

// A job that has less cannot even write its first frames.
constexpr int64_t kLeastBytes = int64_t{1} << 20;

// What Result gives, and the name of its file.
constexpr struct {
  const char* format;
  const char* name;
} kFormats[] = {{"mp4", kResult},
                {"gif", "result.gif"},
                {"webm", "result.webm"},
                {"png", "result.zip"},
                {"motion", kMotion}};

std::vector<std::string> FormatsOf(bool is_motion) {
  if (is_motion) return {"motion"};
  return {"mp4", "gif", "webm", "png"};
}

absl::Status NoJob() {
  return absl::NotFoundError("there is no job with this id");
}

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

JobError ErrorOf(const absl::Status& status) {
  return {CodeName(status.code()), std::string(status.message()),
          FieldOf(status)};
}

}  // namespace

Json JobChoices() {
  Json choices = RequestChoices();
  choices["formats"] = FormatsOf(/*is_motion=*/false);
  return choices;
}

class JobQueue::Impl {
 public:
  explicit Impl(const JobQueueOptions& options)
      : options_(options), store_(*options.store) {
    if (options_.worker.empty()) options_.worker = JobProgram("studio_worker");
  }
  ~Impl();

  absl::Status Load();
  void Start() {
    runner_ = std::thread([this] { RunAll(); });
  }

  absl::StatusOr<Job> Submit(const Json& json);
  absl::StatusOr<Job> Cancel(const std::string& id);
  absl::Status Remove(const std::string& id);
  int RemoveOlderThan(absl::Time time);
  std::vector<Job> List() const;
  absl::StatusOr<Job> Get(const std::string& id) const;
  absl::StatusOr<Job> Wait(const std::string& id, int64_t version,
                           absl::Duration timeout) const;
  absl::StatusOr<std::string> Result(const std::string& id,
                                     const std::string& format);
  absl::StatusOr<std::string> LatestFrame(const std::string& id) const;
  absl::StatusOr<std::string> Keypoints(const std::string& id) const;
  int num_queued() const;
  bool is_running() const;

 private:
  // A job with what only this process knows of it.
  struct Entry {
    Job job;
    JobRequest request;
    JobFiles files;  // as the worker has them
    // Kept from removal while it is queued or runs.
    std::vector<InputHold> holds;
    std::string frame;  // the newest, PNG
    absl::Time stage_begin;
    bool is_cancelled = false;
    std::set<std::string> converting;
  };
  using Lock = absl::MutexLock;

  // --- Files of a job
  std::string Folder(const std::string& id) const {
    return store_.JobFolder(id);
  }
  std::string Output(const std::string& id, const std::string& name) const {
    return absl::StrCat(Folder(id), "/output/", name);
  }
  absl::Status Save(const Job& job) const;
  void ClearOutput(const std::string& id) const;
  absl::Status LoadJob(const std::string& id);
  absl::Status TakeInputs(const std::string& id, Entry* entry);
  absl::Status TakeInput(const std::string& path, const std::string& id,
                         const std::string& name, bool is_stored,
                         std::string* taken) const;

  // --- Requests
  absl::StatusOr<std::string> SourceOf(const std::string& id, Entry* entry);
  absl::StatusOr<std::string> DrivingOf(const std::string& id, Entry* entry);
  absl::Status CheckRoom() const;
  static absl::Status CheckResult(const Entry* entry,
                                  const std::string& format);

  // --- Jobs that run
  void RunAll();
  void RunOne(const std::string& id);
  absl::StatusOr<WorkerEvent> Work(const std::string& id);
  void Handle(const std::string& id, const WorkerEvent& event);
  void End(const std::string& id, absl::StatusOr<WorkerEvent> result);
  void Finish(const WorkerEvent& done, Entry* entry) const;
  void EndQueued(Entry* entry) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // --- Entries
  Entry* Find(const std::string& id) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  const Entry* Find(const std::string& id) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Changed(Entry* entry) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Job Seen(const Entry& entry) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  JobQueueOptions options_;
  Store& store_;
  std::thread runner_;

  mutable absl::Mutex mutex_;
  mutable absl::CondVar changed_;
  std::map<std::string, Entry> entries_ ABSL_GUARDED_BY(mutex_);
  std::deque<std::string> waiting_ ABSL_GUARDED_BY(mutex_);
  std::string running_ ABSL_GUARDED_BY(mutex_);
  int64_t version_ ABSL_GUARDED_BY(mutex_) = 0;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
};

JobQueue::Impl::~Impl() {
  {
    const Lock lock(&mutex_);
    stopping_ = true;
    changed_.SignalAll();
  }
  if (runner_.joinable()) runner_.join();
}

// --- Files of a job

absl::Status JobQueue::Impl::Save(const Job& job) const {
  return networks::files::WriteAtomically(
      Folder(job.id) + "/job.json",
      JobToJson(job).dump(1, ' ', false, Json::error_handler_t::replace));
}

void JobQueue::Impl::ClearOutput(const std::string& id) const {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(Output(id, ""), error)) {
    fs::remove_all(entry.path(), error);
  }
}

absl::Status JobQueue::Impl::LoadJob(const std::string& id) {
  const std::string path = Folder(id) + "/job.json";
  const absl::StatusOr<std::string> text = networks::files::ReadFile(path);
  if (absl::IsNotFound(text.status())) {
    // The server ended before the job was there.
    return store_.RemoveJobFolder(id);
  }
  RETURN_IF_ERROR(text.status());
  absl::StatusOr<Job> job =
      JobFromJson(Json::parse(*text, nullptr, /*allow_exceptions=*/false));
  // What another version wrote stays as it is.
  if (!job.ok() || job->id != id) return absl::OkStatus();
  if (HasEnded(job->state)) {
    networks::files::RemoveAbandoned(Output(id, ""));
  } else {
    job->state = JobState::kInterrupted;
    job->ended = absl::Now();
    job->results.clear();
    job->error = JobError{
        "aborted", "the server ended before the job did; start it again", ""};
    ClearOutput(id);
    RETURN_IF_ERROR(Save(*job));
    store_.CountJob(id);
  }
  const Lock lock(&mutex_);
  Entry& entry = entries_[id];
  entry.job = *std::move(job);
  entry.job.latest_frame = -1;
  entry.job.version = ++version_;
  return absl::OkStatus();
}

absl::Status JobQueue::Impl::Load() {
  for (const std::string& id : store_.JobIds()) RETURN_IF_ERROR(LoadJob(id));
  return absl::OkStatus();
}

absl::Status JobQueue::Impl::TakeInput(const std::string& path,
                                       const std::string& id,
                                       const std::string& name, bool is_stored,
                                       std::string* taken) const {
  if (path.empty()) return absl::OkStatus();
  const std::string target = absl::StrCat(Folder(id), "/inputs/", name);
  RETURN_IF_ERROR(TakeFile(path, target, is_stored));
  *taken = target;
  return absl::OkStatus();
}

// entry->files has the paths of what is taken; then those of what was taken.
absl::Status JobQueue::Impl::TakeInputs(const std::string& id, Entry* entry) {
  JobFiles& files = entry->files;
  for (const char* name : {"/inputs", "/output"}) {
    RETURN_IF_ERROR(networks::files::MakeFolder(Folder(id) + name));
  }
  const auto is_stored = [](const std::string& input) {
    return !absl::StartsWith(input, kBundled);
  };
  const JobRequest& request = entry->request;
  RETURN_IF_ERROR(TakeInput(files.source, id, "source",
                            is_stored(request.source), &files.source));
  RETURN_IF_ERROR(TakeInput(files.driving, id, "driving",
                            is_stored(request.driving), &files.driving));
  JobFiles shown = files;
  shown.output = entry->request.is_motion ? kMotion : "animation.mp4";
  entry->job.command = AnimateCommand(entry->request, shown);
  files.output = Output(id, entry->request.is_motion ? kMotion : kResult);
  return absl::OkStatus();
}

// --- Requests

absl::StatusOr<std::string> JobQueue::Impl::SourceOf(const std::string& id,
                                                     Entry* entry) {
  absl::StatusOr<InputHold> hold = store_.Hold(id);
  if (!hold.ok()) return WithField("source", hold.status());
  if ((*hold)->kind != "image") {
    return WithField("source",
                     absl::InvalidArgumentError(absl::StrCat(
                         "source is of kind ", (*hold)->kind,
                         "; name a picture that was uploaded (kind=image)")));
  }
  entry->holds.push_back(*hold);
  return (*hold)->path;
}

absl::StatusOr<std::string> JobQueue::Impl::DrivingOf(const std::string& id,
                                                      Entry* entry) {
  if (absl::StartsWith(id, kOfJob)) {
    const absl::StatusOr<std::string> motion =
        Result(id.substr(sizeof(kOfJob) - 1), "motion");
    if (motion.ok()) return motion;
    return WithField("driving", motion.status());
  }
  absl::StatusOr<InputHold> hold = store_.Hold(id);
  if (!hold.ok()) return WithField("driving", hold.status());
  const std::string& kind = (*hold)->kind;
  const bool fits =
      kind == "video" || (kind == "motion" && !entry->request.is_motion);
  if (!fits) {
    return WithField(
        "driving",
        absl::InvalidArgumentError(absl::StrCat(
            "driving is of kind ", kind, "; name a video that was uploaded ",
            entry->request.is_motion ? "(kind=video)"
                                     : "(kind=video), or a motion file")));
  }
  entry->holds.push_back(*hold);
  return (*hold)->path;
}

absl::Status JobQueue::Impl::CheckRoom() const {
  const Lock lock(&mutex_);
  if (static_cast<int>(waiting_.size()) < options_.max_queue) {
    return absl::OkStatus();
  }
  return absl::ResourceExhaustedError(
      absl::StrCat("the queue is full (", waiting_.size(),
                   " jobs); wait for one to end, or cancel one"));
}

absl::StatusOr<Job> JobQueue::Impl::Submit(const Json& json) {
  Entry entry;
  ASSIGN_OR_RETURN(entry.request, ParseJobRequest(json));
  JobFiles& files = entry.files;
  files.device = options_.device;
  if (!entry.request.is_motion) {
    ASSIGN_OR_RETURN(files.source, SourceOf(entry.request.source, &entry));
  }
  ASSIGN_OR_RETURN(files.driving, DrivingOf(entry.request.driving, &entry));
  const absl::StatusOr<std::string> checkpoint =
      options_.checkpoint(entry.request.checkpoint);
  if (!checkpoint.ok()) return WithField("checkpoint", checkpoint.status());
  files.checkpoint = *checkpoint;
  RETURN_IF_ERROR(CheckRoom());
  RETURN_IF_ERROR(store_.Reserve(kLeastBytes).status());
  ASSIGN_OR_RETURN(const std::string id, store_.MakeJobFolder());
  entry.job.id = id;
  entry.job.request = json;
  entry.job.created = absl::Now();
  absl::Status status = TakeInputs(id, &entry);
  if (status.ok()) status = Save(entry.job);
  if (!status.ok()) {
    store_.RemoveJobFolder(id).IgnoreError();
    return status;
  }
  store_.CountJob(id);
  const Lock lock(&mutex_);
  Entry& kept = entries_[id] = std::move(entry);
  waiting_.push_back(id);
  Changed(&kept);
  return Seen(kept);
}

absl::StatusOr<Job> JobQueue::Impl::Cancel(const std::string& id) {
  const Lock lock(&mutex_);
  Entry* const entry = Find(id);
  if (entry == nullptr) return NoJob();
  if (entry->job.state == JobState::kRunning) entry->is_cancelled = true;
  if (entry->job.state == JobState::kQueued) {
    waiting_.erase(std::find(waiting_.begin(), waiting_.end(), id));
    EndQueued(entry);
  }
  return Seen(*entry);
}

absl::Status JobQueue::Impl::Remove(const std::string& id) {
  {
    const Lock lock(&mutex_);
    const Entry* const entry = Find(id);
    if (entry == nullptr) return NoJob();
    if (!HasEnded(entry->job.state)) {
      return absl::FailedPreconditionError(absl::StrCat(
          "the job is ", JobStateName(entry->job.state), "; cancel it first"));
    }
    if (!entry->converting.empty()) {
      return absl::FailedPreconditionError(
          "the job's result is being converted; try again in a minute");
    }
    entries_.erase(id);
    ++version_;
    changed_.SignalAll();
  }
  return store_.RemoveJobFolder(id);
}

int JobQueue::Impl::RemoveOlderThan(absl::Time time) {
  std::vector<std::string> old;
  {
    const Lock lock(&mutex_);
    for (const auto& [id, entry] : entries_) {
      if (HasEnded(entry.job.state) &&
          entry.job.ended.value_or(entry.job.created) < time) {
        old.push_back(id);
      }
    }
  }
  return static_cast<int>(
      std::count_if(old.begin(), old.end(),
                    [this](const std::string& id) { return Remove(id).ok(); }));
}

// --- Jobs that run

void JobQueue::Impl::RunAll() {
  for (;;) {
    std::string id;
    {
      const Lock lock(&mutex_);
      while (!stopping_ && waiting_.empty()) changed_.Wait(&mutex_);
      if (stopping_) return;
      id = waiting_.front();
      waiting_.pop_front();
      running_ = id;
    }
    RunOne(id);
    const Lock lock(&mutex_);
    running_.clear();
  }
}

void JobQueue::Impl::RunOne(const std::string& id) {
  Job job;
  {
    const Lock lock(&mutex_);
    Entry* const entry = Find(id);
    entry->job.state = JobState::kRunning;
    entry->job.started = absl::Now();
    entry->job.progress.stage = "loading";
    Changed(entry);
    // All behind it have moved up.
    for (const std::string& other : waiting_) Changed(Find(other));
    job = entry->job;
  }
  const absl::Status saved = Save(job);
  End(id, saved.ok() ? Work(id) : saved);
}

absl::StatusOr<WorkerEvent> JobQueue::Impl::Work(const std::string& id) {
  WorkerRun run;
  JobFiles files;
  {
    const Lock lock(&mutex_);
    const Entry* const entry = Find(id);
    files = entry->files;
    run.flags = AnimateFlags(entry->request, files);
  }
  run.program = options_.worker;
  run.job_folder = Folder(id);
  run.memory = options_.memory;
  run.file_size = std::max(kLeastBytes, store_.quota() - store_.used());
  run.grace = options_.grace;
  run.event = [&](const WorkerEvent& event) { Handle(id, event); };
  run.stop = [&] {
    const Lock lock(&mutex_);
    return Find(id)->is_cancelled;
  };
  run.kill = [this] {
    const Lock lock(&mutex_);
    return stopping_;
  };
  absl::StatusOr<WorkerEvent> done = RunWorker(run);
  if (!done.ok()) return ExplainError(done.status(), files);
  for (std::string& warning : done->warnings) {
    warning =
        std::string(ExplainError(absl::UnknownError(warning), files).message());
  }
  return done;
}

void JobQueue::Impl::Handle(const std::string& id, const WorkerEvent& event) {
  const Lock lock(&mutex_);
  Entry* const entry = Find(id);
  JobProgress& progress = entry->job.progress;
  switch (event.kind) {
    case WorkerEvent::Kind::kStage:
      progress.stage = event.stage;
      if (event.stage != "encoding") entry->stage_begin = absl::Now();
      break;
    case WorkerEvent::Kind::kProgress: {
      const double seconds =
          absl::ToDoubleSeconds(absl::Now() - entry->stage_begin);
      progress.done = event.done;
      progress.total = event.total;
      progress.seconds_left.reset();
      if (event.done == 0 || seconds <= 0) break;
      progress.per_second = static_cast<double>(event.done) / seconds;
      if (!event.total) break;
      progress.seconds_left =
          static_cast<double>(std::max<int64_t>(0, *event.total - event.done)) /
          progress.per_second;
      break;
    }
    case WorkerEvent::Kind::kFrame:
      entry->frame = event.png;
      entry->job.latest_frame = event.done;
      break;
    default:
      return;
  }
  Changed(entry);
}

void JobQueue::Impl::Finish(const WorkerEvent& done, Entry* entry) const {
  Job& job = entry->job;
  job.state = JobState::kDone;
  job.frames = done.done;
  job.frame_width = done.width;
  job.frame_height = done.height;
  job.warnings = done.warnings;
  job.results = FormatsOf(entry->request.is_motion);
  job.progress.stage = "done";
  job.progress.done = done.done;
  job.progress.total = done.done;
  job.progress.seconds_left.reset();
}

// Until job.json says that it is done, it is not: what is seen of it changes
// last.
void JobQueue::Impl::End(const std::string& id,
                         absl::StatusOr<WorkerEvent> result) {
  Entry ended;
  bool is_stopping = false;
  {
    const Lock lock(&mutex_);
    ended.job = Find(id)->job;
    ended.request = Find(id)->request;
    is_stopping = stopping_;
  }
  std::error_code error;
  if (result.ok() &&
      !fs::exists(Output(id, ended.request.is_motion ? kMotion : kResult),
                  error)) {
    result = absl::InternalError("the worker left no result");
  }
  ended.job.ended = absl::Now();
  if (result.ok()) {
    Finish(*result, &ended);
    // A disk that is full by now.
    const absl::Status saved = Save(ended.job);
    if (!saved.ok()) result = saved;
  }
  if (!result.ok()) {
    ended.job.results.clear();
    ended.job.state = is_stopping ? JobState::kInterrupted
                      : absl::IsCancelled(result.status())
                          ? JobState::kCancelled
                          : JobState::kFailed;
    ended.job.error = ErrorOf(result.status());
    ClearOutput(id);
    // If it cannot be written, the next server takes it for interrupted.
    Save(ended.job).IgnoreError();
  }
  store_.CountJob(id);
  const Lock lock(&mutex_);
  Entry* const entry = Find(id);
  entry->job = std::move(ended.job);
  entry->job.latest_frame = -1;
  entry->frame.clear();
  entry->holds.clear();
  Changed(entry);
}

// entry: is no longer among those that wait.
void JobQueue::Impl::EndQueued(Entry* entry) {
  entry->job.state = JobState::kCancelled;
  entry->job.ended = absl::Now();
  entry->job.error = ErrorOf(absl::CancelledError("the job was cancelled"));
  entry->holds.clear();
  Save(entry->job).IgnoreError();
  Changed(entry);
  for (const std::string& other : waiting_) Changed(Find(other));
}

// --- Entries

JobQueue::Impl::Entry* JobQueue::Impl::Find(const std::string& id) {
  const auto found = entries_.find(id);
  return found == entries_.end() ? nullptr : &found->second;
}

const JobQueue::Impl::Entry* JobQueue::Impl::Find(const std::string& id) const {
  const auto found = entries_.find(id);
  return found == entries_.end() ? nullptr : &found->second;
}

void JobQueue::Impl::Changed(Entry* entry) {
  entry->job.version = ++version_;
  changed_.SignalAll();
}

Job JobQueue::Impl::Seen(const Entry& entry) const {
  Job job = entry.job;
  if (job.state == JobState::kQueued) {
    const auto place = std::find(waiting_.begin(), waiting_.end(), job.id);
    job.position = static_cast<int>(place - waiting_.begin()) + 1;
  }
  return job;
}

std::vector<Job> JobQueue::Impl::List() const {
  std::vector<Job> jobs;
  {
    const Lock lock(&mutex_);
    for (const auto& [id, entry] : entries_) jobs.push_back(Seen(entry));
  }
  std::sort(jobs.begin(), jobs.end(), [](const Job& a, const Job& b) {
    return std::tie(a.created, a.id) > std::tie(b.created, b.id);
  });
  return jobs;
}

absl::StatusOr<Job> JobQueue::Impl::Get(const std::string& id) const {
  const Lock lock(&mutex_);
  const Entry* const entry = Find(id);
  return entry == nullptr ? NoJob() : absl::StatusOr<Job>(Seen(*entry));
}

absl::StatusOr<Job> JobQueue::Impl::Wait(const std::string& id, int64_t version,
                                         absl::Duration timeout) const {
  const absl::Time end = absl::Now() + timeout;
  const Lock lock(&mutex_);
  for (;;) {
    const Entry* const entry = Find(id);
    if (entry == nullptr) return NoJob();
    if (entry->job.version > version || HasEnded(entry->job.state) ||
        stopping_ || absl::Now() >= end) {
      return Seen(*entry);
    }
    changed_.WaitWithDeadline(&mutex_, end);
  }
}

absl::StatusOr<std::string> JobQueue::Impl::LatestFrame(
    const std::string& id) const {
  const Lock lock(&mutex_);
  const Entry* const entry = Find(id);
  if (entry == nullptr) return NoJob();
  if (!entry->frame.empty()) return entry->frame;
  return absl::NotFoundError("the job has no frame in the making");
}

absl::StatusOr<std::string> JobQueue::Impl::Keypoints(
    const std::string& id) const {
  const Lock lock(&mutex_);
  const Entry* const entry = Find(id);
  if (entry == nullptr) return NoJob();
  if (entry->job.type() != "motion") {
    return absl::InvalidArgumentError(
        "the job is an animation; only motion jobs have keypoints");
  }
  if (entry->job.state == JobState::kDone) return Output(id, kKeypoints);
  return absl::FailedPreconditionError(absl::StrCat(
      "the job is ", JobStateName(entry->job.state), " and has no keypoints"));
}

int JobQueue::Impl::num_queued() const {
  const Lock lock(&mutex_);
  return static_cast<int>(waiting_.size());
}

bool JobQueue::Impl::is_running() const {
  const Lock lock(&mutex_);
  return !running_.empty();
}

// --- Results

// Whether a job can give it. entry: may be null.
absl::Status JobQueue::Impl::CheckResult(const Entry* entry,
                                         const std::string& format) {
  if (entry == nullptr) return NoJob();
  const std::vector<std::string> formats =
      FormatsOf(entry->job.type() == "motion");
  if (std::find(formats.begin(), formats.end(), format) == formats.end()) {
    return absl::InvalidArgumentError(
        absl::StrCat("format is '", format, "'; this job has ",
                     absl::StrJoin(formats, ", ")));
  }
  if (entry->job.state == JobState::kDone) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      "the job is ", JobStateName(entry->job.state), " and has no result"));
}

absl::StatusOr<std::string> JobQueue::Impl::Result(const std::string& id,
                                                   const std::string& format) {
  std::string path;
  for (const auto& [name, file] : kFormats) {
    if (format == name) path = Output(id, file);
  }
  {
    const Lock lock(&mutex_);
    for (;;) {
      // It may be removed while another caller's conversion is waited for.
      RETURN_IF_ERROR(CheckResult(Find(id), format));
      if (Find(id)->converting.count(format) == 0) break;
      changed_.Wait(&mutex_);
    }
    std::error_code error;
    if (fs::exists(path, error)) return path;
    Find(id)->converting.insert(format);
  }
  absl::Status status = store_.Reserve(kLeastBytes).status();
  if (status.ok()) {
    status = ConvertResult(Output(id, kResult), path,
                           store_.quota() - store_.used());
  }
  store_.CountJob(id);
  const Lock lock(&mutex_);
  // It cannot have been removed meanwhile.
  Find(id)->converting.erase(format);
  changed_.SignalAll();
  RETURN_IF_ERROR(status);
  return path;
}

// --- What is seen of it

JobQueue::JobQueue(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
JobQueue::~JobQueue() = default;

absl::StatusOr<std::unique_ptr<JobQueue>> JobQueue::Start(
    const JobQueueOptions& options) {
  RETURN_IF_ERROR(CheckJail());
  auto impl = std::make_unique<Impl>(options);
  RETURN_IF_ERROR(impl->Load());
  impl->Start();
  return std::unique_ptr<JobQueue>(new JobQueue(std::move(impl)));
}

absl::StatusOr<Job> JobQueue::Submit(const Json& request) {
  return impl_->Submit(request);
}
absl::StatusOr<Job> JobQueue::Cancel(const std::string& id) {
  return impl_->Cancel(id);
}
absl::Status JobQueue::Remove(const std::string& id) {
  return impl_->Remove(id);
}
int JobQueue::RemoveOlderThan(absl::Time time) {
  return impl_->RemoveOlderThan(time);
}
std::vector<Job> JobQueue::List() const { return impl_->List(); }
absl::StatusOr<Job> JobQueue::Get(const std::string& id) const {
  return impl_->Get(id);
}
absl::StatusOr<Job> JobQueue::Wait(const std::string& id, int64_t version,
                                   absl::Duration timeout) const {
  return impl_->Wait(id, version, timeout);
}
absl::StatusOr<std::string> JobQueue::Result(const std::string& id,
                                             const std::string& format) {
  return impl_->Result(id, format);
}
absl::StatusOr<std::string> JobQueue::LatestFrame(const std::string& id) const {
  return impl_->LatestFrame(id);
}
absl::StatusOr<std::string> JobQueue::Keypoints(const std::string& id) const {
  return impl_->Keypoints(id);
}
int JobQueue::num_queued() const { return impl_->num_queued(); }
bool JobQueue::is_running() const { return impl_->is_running(); }

}  // namespace studio
