// Threads that are waited for whatever happens: a std::thread that still runs
// when its object goes, as where the next one cannot be started, ends the
// process.
#ifndef PIPELINES_BASE_JOINED_THREADS_H_
#define PIPELINES_BASE_JOINED_THREADS_H_

#include <cstddef>
#include <exception>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "pipelines/base/exception_status.h"

namespace pipelines {

class JoinedThreads {
 public:
  JoinedThreads() = default;
  JoinedThreads(const JoinedThreads&) = delete;
  JoinedThreads& operator=(const JoinedThreads&) = delete;
  ~JoinedThreads() { Join(); }

  // Starts `count` threads, each of which calls a copy of `work`; fewer where
  // the system lets this process start no more. Unavailable if there is none.
  template <typename Work>
  absl::Status Start(size_t count, const Work& work) {
    const size_t before = threads_.size();
    try {
      threads_.reserve(before + count);
      for (size_t i = 0; i < count; ++i) threads_.emplace_back(work);
    } catch (const std::exception& error) {
      if (threads_.size() == before) return ExceptionStatus(error);
    }
    return absl::OkStatus();
  }

  bool empty() const { return threads_.empty(); }

  // Waits for all.
  void Join() {
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
  }

 private:
  std::vector<std::thread> threads_;
};

}  // namespace pipelines

#endif  // PIPELINES_BASE_JOINED_THREADS_H_
