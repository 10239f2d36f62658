#include "tools/studio/jobs/job_queue.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "third_party/absl/status_macros.h"
#include "tools/studio/jobs/confined_run.h"
#include "tools/studio/jobs/convert_client.h"
#include "tools/studio/jobs/jail.h"
#include "tools/studio/jobs/job_inputs.h"
#include "tools/studio/jobs/job_request.h"
#include "tools/studio/jobs/result_format.h"

namespace studio {
namespace {

JobRunnerOptions RunnerOptions(const JobQueueOptions& options) {
  JobRunnerOptions runner;
  runner.worker =
      options.worker.empty() ? JobProgram("studio_worker") : options.worker;
  runner.memory = options.memory;
  runner.grace = options.grace;
  return runner;
}

Converter ConverterOf(const JobQueueOptions& options) {
  return [kill = options.is_stopping](
             const std::string& from, const std::string& to,
             const std::string& frames, int64_t max_bytes) {
    return ConvertResult(from, to, frames, max_bytes, kill);
  };
}

}  // namespace

nlohmann::json JobChoices() {
  nlohmann::json choices = RequestChoices();
  choices["formats"] = ResultFormatNames(/*is_motion=*/false);
  return choices;
}

JobQueue::JobQueue(const JobQueueOptions& options)
    : options_(options),
      places_(options.max_queue),
      folders_(options.store),
      table_([this](const Job& job) { folders_.Save(job).IgnoreError(); }),
      results_(options.store, &folders_, &table_, ConverterOf(options)) {}

JobQueue::~JobQueue() = default;

absl::StatusOr<std::unique_ptr<JobQueue>> JobQueue::Start(
    const JobQueueOptions& options) {
  RETURN_IF_ERROR(CheckJail());
  auto queue = std::unique_ptr<JobQueue>(new JobQueue(options));
  ASSIGN_OR_RETURN(std::vector<Job> jobs, queue->folders_.Load());
  for (Job& job : jobs) queue->table_.AddEnded(std::move(job));
  queue->runner_ = std::make_unique<JobRunner>(
      RunnerOptions(options), options.store, &queue->folders_, &queue->table_);
  return queue;
}

absl::StatusOr<Job> JobQueue::Submit(const nlohmann::json& json) {
  Store& store = *options_.store;
  JobWork work;
  ASSIGN_OR_RETURN(work.request, ParseJobRequest(json));
  InputSources sources = {&store, nullptr, options_.checkpoint};
  sources.motion = [this](const std::string& id) {
    return Result(id, "motion");
  };
  ASSIGN_OR_RETURN(JobInputs inputs, FindInputs(work.request, sources));
  Job job;
  inputs.shown.device = options_.device;
  // In the folder of who types it.
  inputs.shown.output =
      work.request.is_motion ? "motion.safetensors" : "animation.mp4";
  job.command = AnimateCommand(options_.animate, work.request, inputs.shown);
  work.files = std::move(inputs.files);
  work.files.device = options_.device;
  work.holds = std::move(inputs.holds);
  work.place = places_.Take();
  if (!work.place) {
    return absl::UnavailableError(
        absl::StrCat("the queue is full (", options_.max_queue,
                     " jobs); wait for one to end, or cancel one"));
  }
  RETURN_IF_ERROR(store.Reserve(kLeastJobBytes).status());
  ASSIGN_OR_RETURN(job.id, folders_.Make(work.request, &work.files));
  job.request = json;
  job.created = absl::Now();
  const absl::Status saved = folders_.Save(job);
  if (!saved.ok()) {
    folders_.Remove(job.id).IgnoreError();
    return saved;
  }
  store.CountJob(job.id);
  return table_.AddQueued(std::move(job), std::move(work));
}

absl::Status JobQueue::Remove(const std::string& id) {
  RETURN_IF_ERROR(table_.Remove(id));
  return folders_.Remove(id);
}

int JobQueue::RemoveOlderThan(absl::Time time) {
  const std::vector<std::string> old = table_.EndedBefore(time);
  return static_cast<int>(
      std::count_if(old.begin(), old.end(),
                    [this](const std::string& id) { return Remove(id).ok(); }));
}

}  // namespace studio
