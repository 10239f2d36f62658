// How the loops of this folder are spread over threads: the caller says.
#ifndef CPAB_FIELD_PARALLEL_H_
#define CPAB_FIELD_PARALLEL_H_

#include <cstdint>
#include <functional>

namespace cpab {

// Calls body(i) once for every i in [0, count), in any order, from any threads,
// and returns when all are done. Results never depend on which one is used.
using ParallelFor = std::function<void(
    int64_t count, const std::function<void(int64_t)>& body)>;

// In the calling thread, in order.
inline void Serially(int64_t count, const std::function<void(int64_t)>& body) {
  for (int64_t i = 0; i < count; ++i) body(i);
}

// On `num_threads` threads, the calling one among them. Threads live as long as
// the returned object and its copies. What body throws first is thrown again in
// the calling thread, when all threads have stopped.
ParallelFor OnThreads(int num_threads);

}  // namespace cpab

#endif  // CPAB_FIELD_PARALLEL_H_
