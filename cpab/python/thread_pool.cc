#include "cpab/python/thread_pool.h"

#include <pthread.h>
#include <sched.h>

#include <mutex>
#include <optional>
#include <thread>

namespace cpab::python {
namespace {

int ProcessorsOfThisProcess() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof(set), &set) == 0) return CPU_COUNT(&set);
  const unsigned count = std::thread::hardware_concurrency();
  return count > 0 ? static_cast<int>(count) : 1;
}

struct Pool {
  std::mutex mutex;
  int num_threads = ProcessorsOfThisProcess();
  std::optional<ParallelFor> loop;  // Made when first asked for.
};

// Never destroyed: at exit, and in a child process, the threads that a
// destructor would wait for may be gone.
Pool* pool = nullptr;

void ForgetThreads() {
  const int num_threads = pool->num_threads;
  pool = new Pool;
  pool->num_threads = num_threads;
}

Pool& ThePool() {
  static const bool made = [] {
    pool = new Pool;
    pthread_atfork(nullptr, nullptr, ForgetThreads);
    return true;
  }();
  static_cast<void>(made);
  return *pool;
}

}  // namespace

void SetNumThreads(int num_threads) {
  Pool& shared = ThePool();
  const std::lock_guard<std::mutex> lock(shared.mutex);
  if (num_threads == shared.num_threads) return;
  shared.num_threads = num_threads;
  shared.loop.reset();
}

int NumThreads() {
  Pool& shared = ThePool();
  const std::lock_guard<std::mutex> lock(shared.mutex);
  return shared.num_threads;
}

ParallelFor SharedThreads() {
  Pool& shared = ThePool();
  const std::lock_guard<std::mutex> lock(shared.mutex);
  if (!shared.loop) shared.loop = OnThreads(shared.num_threads);
  return [loop = *shared.loop](int64_t count,
                               const std::function<void(int64_t)>& body) {
    // Waking others takes longer than one piece of work.
    count <= 1 ? Serially(count, body) : loop(count, body);
  };
}

}  // namespace cpab::python
