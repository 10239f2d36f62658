// What is thrown in other threads, for the thread that waits for them: an
// exception that leaves a thread ends the process, where RunProgram would have
// said what to do, as about lack of memory.
#ifndef PIPELINES_BASE_CAUGHT_EXCEPTION_H_
#define PIPELINES_BASE_CAUGHT_EXCEPTION_H_

#include <exception>
#include <mutex>

#include "absl/status/status.h"

namespace pipelines {

class CaughtException {
 public:
  // The absl::Status of `work()`; Internal where it throws. From any thread.
  template <typename Work>
  absl::Status StatusOf(const Work& work) {
    try {
      return work();
    } catch (...) {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (first_ == nullptr) first_ = std::current_exception();
      return absl::InternalError("an exception was thrown");
    }
  }

  // Throws what was thrown first, if anything. For when the threads have ended.
  void Rethrow() const {
    if (first_ != nullptr) std::rethrow_exception(first_);
  }

 private:
  std::mutex mutex_;
  std::exception_ptr first_;
};

}  // namespace pipelines

#endif  // PIPELINES_BASE_CAUGHT_EXCEPTION_H_
