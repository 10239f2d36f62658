#include "tools/studio/jobs/job_queue.h"

#include "absl/status/status.h"

namespace studio {

class JobQueue::Impl {};

JobQueue::JobQueue(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
JobQueue::~JobQueue() = default;

nlohmann::json JobChoices() { return nlohmann::json::object(); }
absl::StatusOr<std::unique_ptr<JobQueue>> JobQueue::Start(
    const JobQueueOptions&) {
  return absl::UnimplementedError("queue");
}
absl::StatusOr<Job> JobQueue::Submit(const nlohmann::json&) {
  return absl::UnimplementedError("queue");
}
absl::StatusOr<Job> JobQueue::Cancel(const std::string&) {
  return absl::UnimplementedError("queue");
}
absl::Status JobQueue::Remove(const std::string&) {
  return absl::UnimplementedError("queue");
}
int JobQueue::RemoveOlderThan(absl::Time) { return 0; }
std::vector<Job> JobQueue::List() const { return {}; }
absl::StatusOr<Job> JobQueue::Get(const std::string&) const {
  return absl::UnimplementedError("queue");
}
absl::StatusOr<Job> JobQueue::Wait(const std::string&, int64_t,
                                   absl::Duration) const {
  return absl::UnimplementedError("queue");
}
absl::StatusOr<std::string> JobQueue::Result(const std::string&,
                                             const std::string&) {
  return absl::UnimplementedError("queue");
}
absl::StatusOr<std::string> JobQueue::LatestFrame(const std::string&) const {
  return absl::UnimplementedError("queue");
}
absl::StatusOr<std::string> JobQueue::Keypoints(const std::string&) const {
  return absl::UnimplementedError("queue");
}
int JobQueue::num_queued() const { return 0; }
bool JobQueue::is_running() const { return false; }

}  // namespace studio
