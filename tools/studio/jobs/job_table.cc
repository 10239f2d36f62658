#include "tools/studio/jobs/job_table.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "pipelines/base/deadline.h"

namespace studio {
namespace {

using Lock = absl::MutexLock;

absl::Status NoJob() {
  return absl::NotFoundError("there is no job with this id");
}

}  // namespace

JobTable::Entry* JobTable::Find(const std::string& id) {
  const auto found = entries_.find(id);
  return found == entries_.end() ? nullptr : &found->second;
}

const JobTable::Entry* JobTable::Find(const std::string& id) const {
  const auto found = entries_.find(id);
  return found == entries_.end() ? nullptr : &found->second;
}

void JobTable::Changed(Entry* entry) {
  entry->job.version = ++version_;
  changed_.SignalAll();
}

void JobTable::MovedUp() {
  for (const std::string& id : waiting_) Changed(Find(id));
}

Job JobTable::Seen(const Entry& entry) const {
  Job job = entry.job;
  if (job.state == JobState::kQueued) {
    const auto place = std::find(waiting_.begin(), waiting_.end(), job.id);
    job.position = static_cast<int>(place - waiting_.begin()) + 1;
  }
  return job;
}

// --- What is seen

std::vector<Job> JobTable::List() const {
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

absl::StatusOr<Job> JobTable::Get(const std::string& id) const {
  const Lock lock(&mutex_);
  const Entry* const entry = Find(id);
  return entry == nullptr ? NoJob() : absl::StatusOr<Job>(Seen(*entry));
}

absl::StatusOr<Job> JobTable::Wait(const std::string& id, int64_t version,
                                   absl::Duration timeout) const {
  const pipelines::Deadline end(timeout);
  const Lock lock(&mutex_);
  for (;;) {
    const Entry* const entry = Find(id);
    if (entry == nullptr) return NoJob();
    if (entry->job.version > version || HasEnded(entry->job.state) ||
        is_stopping_ || end.HasPassed()) {
      return Seen(*entry);
    }
    changed_.WaitWithTimeout(&mutex_, end.Left());
  }
}

absl::StatusOr<std::string> JobTable::LatestFrame(const std::string& id) const {
  const Lock lock(&mutex_);
  const Entry* const entry = Find(id);
  if (entry == nullptr) return NoJob();
  return entry->frame;
}

std::vector<std::string> JobTable::EndedBefore(absl::Time time) const {
  std::vector<std::string> ids;
  const Lock lock(&mutex_);
  for (const auto& [id, entry] : entries_) {
    if (HasEnded(entry.job.state) &&
        entry.job.ended.value_or(entry.job.created) < time) {
      ids.push_back(id);
    }
  }
  return ids;
}

// --- What users do

void JobTable::AddEnded(Job job) {
  const Lock lock(&mutex_);
  Entry& entry = entries_[job.id];
  entry.job = std::move(job);
  entry.job.latest_frame = -1;
  Changed(&entry);
}

Job JobTable::AddQueued(Job job, JobWork work) {
  const Lock lock(&mutex_);
  waiting_.push_back(job.id);
  Entry& entry = entries_[job.id];
  entry.job = std::move(job);
  entry.work = std::move(work);
  Changed(&entry);
  return Seen(entry);
}

void JobTable::CancelQueued(Entry* entry) {
  Job& job = entry->job;
  waiting_.erase(std::find(waiting_.begin(), waiting_.end(), job.id));
  job.state = JobState::kCancelled;
  job.ended = absl::Now();
  job.error = ErrorOf(absl::CancelledError("the job was cancelled"));
  entry->work = {};
  save_(job);
  Changed(entry);
  MovedUp();
}

absl::StatusOr<Job> JobTable::Cancel(const std::string& id) {
  const Lock lock(&mutex_);
  Entry* const entry = Find(id);
  if (entry == nullptr) return NoJob();
  if (entry->job.state == JobState::kRunning) entry->is_cancelled = true;
  if (entry->job.state == JobState::kQueued) CancelQueued(entry);
  return Seen(*entry);
}

absl::Status JobTable::Remove(const std::string& id) {
  const Lock lock(&mutex_);
  const Entry* const entry = Find(id);
  if (entry == nullptr) return NoJob();
  if (!HasEnded(entry->job.state)) {
    return absl::FailedPreconditionError(absl::StrCat(
        "the job is ", JobStateName(entry->job.state), "; cancel it first"));
  }
  if (entry->num_holds > 0) {
    return absl::FailedPreconditionError(
        "the job's result is being converted; try again in a minute");
  }
  entries_.erase(id);
  ++version_;
  changed_.SignalAll();
  return absl::OkStatus();
}

absl::StatusOr<std::shared_ptr<void>> JobTable::Hold(const std::string& id) {
  const Lock lock(&mutex_);
  Entry* const entry = Find(id);
  if (entry == nullptr) return NoJob();
  ++entry->num_holds;
  return std::shared_ptr<void>(this, [this, id](void*) {
    const Lock end(&mutex_);
    --Find(id)->num_holds;
  });
}

// --- What the one runner does

std::optional<NextJob> JobTable::Next() {
  const Lock lock(&mutex_);
  while (!is_stopping_ && waiting_.empty()) changed_.Wait(&mutex_);
  if (is_stopping_) return std::nullopt;
  Entry* const entry = Find(waiting_.front());
  waiting_.pop_front();
  entry->work.place.reset();
  entry->job.state = JobState::kRunning;
  entry->job.started = absl::Now();
  entry->job.progress.stage = "loading";
  Changed(entry);
  MovedUp();
  return NextJob{entry->job, entry->work.request, entry->work.files};
}

bool JobTable::IsCancelled(const std::string& id) const {
  const Lock lock(&mutex_);
  const Entry* const entry = Find(id);
  return entry != nullptr && entry->is_cancelled;
}

void JobTable::SetProgress(const std::string& id, const JobProgress& progress) {
  const Lock lock(&mutex_);
  Entry* const entry = Find(id);
  entry->job.progress = progress;
  Changed(entry);
}

void JobTable::SetFrame(const std::string& id, int64_t index,
                        const std::string& png) {
  const Lock lock(&mutex_);
  Entry* const entry = Find(id);
  entry->frame = png;
  entry->job.latest_frame = index;
  Changed(entry);
}

void JobTable::End(Job job) {
  const Lock lock(&mutex_);
  Entry* const entry = Find(job.id);
  entry->job = std::move(job);
  entry->job.latest_frame = -1;
  entry->frame.clear();
  entry->work = {};
  Changed(entry);
}

void JobTable::Stop() {
  const Lock lock(&mutex_);
  is_stopping_ = true;
  changed_.SignalAll();
}

bool JobTable::is_stopping() const {
  const Lock lock(&mutex_);
  return is_stopping_;
}

}  // namespace studio
