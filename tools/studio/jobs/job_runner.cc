#include "tools/studio/jobs/job_runner.h"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <system_error>

#include "absl/status/status.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "pipelines/base/stopwatch.h"
#include "tools/studio/jobs/job_progress.h"
#include "tools/studio/jobs/result_format.h"

namespace studio {
namespace {

// That a worker writes: the video, and the frames of one that can be seen
// through; or the motion file and its keypoints as JSON. The rest of what it
// writes is small.
constexpr int kLargeFiles = 2;

// job: has run, and becomes one that is done.
void Finish(const WorkerEvent& done, bool is_motion, Job* job) {
  job->state = JobState::kDone;
  job->frames = done.done;
  job->frame_width = done.width;
  job->frame_height = done.height;
  job->warnings = done.warnings;
  job->results = ResultFormatNames(is_motion);
  job->progress.stage = "done";
  job->progress.done = done.done;
  job->progress.total = done.done;
  job->progress.seconds_left.reset();
}

JobState StateAfter(const absl::Status& error, bool is_stopping) {
  if (is_stopping) return JobState::kInterrupted;
  return absl::IsCancelled(error) ? JobState::kCancelled : JobState::kFailed;
}

}  // namespace

JobRunner::JobRunner(const JobRunnerOptions& options, Store* store,
                     const JobFolders* folders, JobTable* table)
    : options_(options),
      store_(*store),
      folders_(*folders),
      table_(*table),
      thread_([this] { RunAll(); }) {}

JobRunner::~JobRunner() {
  table_.Stop();
  thread_.join();
}

void JobRunner::RunAll() {
  while (const std::optional<NextJob> next = table_.Next()) {
    table_.End(Run(*next));
  }
}

Job JobRunner::Run(const NextJob& next) {
  const absl::StatusOr<Reservation> reservation = ReserveResults();
  absl::Status begun = reservation.status();
  begun.Update(folders_.Save(next.job));
  Job ended = End(next, begun.ok() ? Work(next, reservation->bytes()) : begun);
  // Before the reservation ends: an upload must not take this room meanwhile.
  store_.CountJob(ended.id);
  return ended;
}

// Half of what is left, so that uploads and conversions have room, too.
absl::StatusOr<Reservation> JobRunner::ReserveResults() {
  const int64_t half = (store_.quota() - store_.used()) / 2;
  return store_.Reserve(std::max(half, kLeastJobBytes));
}

absl::StatusOr<WorkerEvent> JobRunner::Work(const NextJob& next,
                                            int64_t max_bytes) {
  const std::string& id = next.job.id;
  ProgressMeter meter;
  const pipelines::Stopwatch running;
  WorkerRun run;
  run.program = options_.worker;
  run.job_folder = folders_.Folder(id);
  run.flags = AnimateFlags(next.request, next.files);
  run.memory = options_.memory;
  run.file_size = max_bytes / kLargeFiles;
  run.grace = options_.grace;
  run.event = [&](const WorkerEvent& event) {
    if (event.kind == WorkerEvent::Kind::kFrame) {
      table_.SetFrame(id, event.done, event.png);
      return;
    }
    meter.Take(event, absl::Seconds(running.Seconds()));
    table_.SetProgress(id, meter.progress());
  };
  run.stop = [&] { return table_.IsCancelled(id); };
  run.kill = [this] { return table_.is_stopping(); };
  absl::StatusOr<WorkerEvent> done = options_.run(run);
  if (!done.ok()) return ExplainError(done.status(), next.files);
  for (std::string& warning : done->warnings) {
    const absl::Status explained =
        ExplainError(absl::UnknownError(warning), next.files);
    warning = std::string(explained.message());
  }
  return done;
}

// Until job.json says that it is done, it is not: what is seen of it changes
// last.
Job JobRunner::End(const NextJob& next, absl::StatusOr<WorkerEvent> result) {
  const bool is_motion = next.request.is_motion;
  const bool is_stopping = table_.is_stopping();
  Job job = table_.Get(next.job.id).value_or(next.job);
  std::error_code error;
  if (result.ok() &&
      !std::filesystem::exists(
          folders_.Output(job.id, WorkerResultFile(is_motion)), error)) {
    result = absl::InternalError("the worker left no result");
  }
  job.ended = absl::Now();
  if (result.ok()) {
    Finish(*result, is_motion, &job);
    // The worker has kept the frames that are more than those of its video.
    job.has_alpha = std::filesystem::exists(
        folders_.Output(job.id, FindResultFormat("png")->file), error);
    // A disk that is full by now.
    const absl::Status saved = folders_.Save(job);
    if (!saved.ok()) result = saved;
  }
  if (!result.ok()) {
    job.results.clear();
    job.state = StateAfter(result.status(), is_stopping);
    job.error = job.state == JobState::kInterrupted ? InterruptedError()
                                                    : ErrorOf(result.status());
    folders_.ClearOutput(job.id);
    // If it cannot be written, the next server takes it for interrupted.
    folders_.Save(job).IgnoreError();
  }
  return job;
}

}  // namespace studio
