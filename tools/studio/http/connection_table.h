// Ends connections that take too long: libmicrohttpd's own timeout is for idle
// ones, and one byte a second keeps a connection alive with it.
#ifndef TOOLS_STUDIO_HTTP_CONNECTION_TABLE_H_
#define TOOLS_STUDIO_HTTP_CONNECTION_TABLE_H_

#include <cstddef>
#include <map>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "pipelines/base/deadline.h"

namespace studio {

// Safe to use from many threads. Runs a thread of its own.
class ConnectionTable {
 public:
  // Each connection has `header_time` for each header. Beyond `soft_limit`
  // connections a new one ends the oldest of those that have not sent a whole
  // header, so that slow clients cannot keep others out.
  ConnectionTable(absl::Duration header_time, size_t soft_limit);
  ~ConnectionTable();

  // `key` stands for the connection of the open socket `descriptor`.
  void Add(const void* key, int descriptor);
  // Before the socket is closed.
  void Remove(const void* key);

  // Its header is here; it has `time`, which may be infinite, for the rest.
  void GiveTime(const void* key, absl::Duration time);
  // A request has ended; the next header is waited for.
  void WaitForHeader(const void* key);

  // Ends all that there are, and those that are added from now on.
  void EndAll();

  size_t size() const;

 private:
  struct Connection {
    int descriptor;
    bool has_header;
    pipelines::Deadline deadline;
  };

  void Run();
  void EndOldest() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const absl::Duration header_time_;
  const size_t soft_limit_;
  mutable absl::Mutex mutex_;
  std::map<const void*, Connection> connections_ ABSL_GUARDED_BY(mutex_);
  bool is_ending_ ABSL_GUARDED_BY(mutex_) = false;
  bool is_stopped_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace studio

#endif  // TOOLS_STUDIO_HTTP_CONNECTION_TABLE_H_
