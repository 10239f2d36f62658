#include "tools/studio/http/connection_table.h"

#include <sys/socket.h>

#include <cstddef>

#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace studio {
namespace {

using pipelines::Deadline;

constexpr absl::Duration kPeriod = absl::Milliseconds(250);

// The connection's thread sees the end of its input and output, and closes it.
void End(int descriptor) { shutdown(descriptor, SHUT_RDWR); }

}  // namespace

ConnectionTable::ConnectionTable(absl::Duration header_time, size_t soft_limit)
    : header_time_(header_time),
      soft_limit_(soft_limit),
      thread_([this] { Run(); }) {}

ConnectionTable::~ConnectionTable() {
  {
    absl::MutexLock lock(&mutex_);
    is_stopped_ = true;
  }
  thread_.join();
}

void ConnectionTable::Add(const void* key, int descriptor) {
  absl::MutexLock lock(&mutex_);
  if (is_ending_) End(descriptor);
  if (connections_.size() >= soft_limit_) EndOldest();
  connections_.insert_or_assign(
      key,
      Connection{descriptor, /*has_header=*/false, Deadline(header_time_)});
}

void ConnectionTable::Remove(const void* key) {
  absl::MutexLock lock(&mutex_);
  connections_.erase(key);
}

void ConnectionTable::GiveTime(const void* key, absl::Duration time) {
  absl::MutexLock lock(&mutex_);
  const auto found = connections_.find(key);
  if (found == connections_.end()) return;
  found->second.has_header = true;
  found->second.deadline = Deadline(time);
}

void ConnectionTable::WaitForHeader(const void* key) {
  absl::MutexLock lock(&mutex_);
  const auto found = connections_.find(key);
  if (found == connections_.end()) return;
  found->second.has_header = false;
  found->second.deadline = Deadline(header_time_);
}

void ConnectionTable::EndAll() {
  absl::MutexLock lock(&mutex_);
  is_ending_ = true;
  for (const auto& [key, connection] : connections_) End(connection.descriptor);
}

size_t ConnectionTable::size() const {
  absl::MutexLock lock(&mutex_);
  return connections_.size();
}

void ConnectionTable::EndOldest() {
  Connection* oldest = nullptr;
  for (auto& [key, connection] : connections_) {
    if (connection.has_header ||
        connection.deadline.Left() == absl::InfiniteDuration()) {
      continue;
    }
    if (!oldest || connection.deadline < oldest->deadline) oldest = &connection;
  }
  if (!oldest) return;
  End(oldest->descriptor);
  // Ended once: it leaves the table when its thread has seen it.
  oldest->deadline = Deadline(absl::InfiniteDuration());
}

void ConnectionTable::Run() {
  absl::MutexLock lock(&mutex_);
  while (!mutex_.AwaitWithTimeout(absl::Condition(&is_stopped_), kPeriod)) {
    for (auto& [key, connection] : connections_) {
      if (!connection.deadline.HasPassed()) continue;
      End(connection.descriptor);
      connection.deadline = Deadline(absl::InfiniteDuration());
    }
  }
}

}  // namespace studio
