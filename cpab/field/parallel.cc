#include "cpab/field/parallel.h"

#include <atomic>
#include <exception>
#include <memory>

#define EIGEN_USE_THREADS
#include "unsupported/Eigen/CXX11/ThreadPool"

namespace cpab {

ParallelFor OnThreads(int num_threads) {
  if (num_threads <= 1) return Serially;
  // The calling thread is the last of them.
  auto pool = std::make_shared<Eigen::ThreadPool>(num_threads - 1);
  return [pool](int64_t count, const std::function<void(int64_t)>& body) {
    // Each thread takes the next index until none is left.
    std::atomic<int64_t> next(0);
    std::atomic<bool> failed(false);
    std::exception_ptr error;  // The first one's; read when all have stopped.
    const auto take = [&] {
      try {
        for (int64_t i; (i = next.fetch_add(1)) < count;) body(i);
      } catch (...) {
        if (!failed.exchange(true)) error = std::current_exception();
        next = count;  // The others stop, too.
      }
    };
    const int helpers = pool->NumThreads();
    Eigen::Barrier done(helpers);
    for (int i = 0; i < helpers; ++i) {
      pool->Schedule([&] {
        take();
        done.Notify();
      });
    }
    take();
    done.Wait();
    if (error) std::rethrow_exception(error);
  };
}

}  // namespace cpab
