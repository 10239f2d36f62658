// The threads that all calls of the Python module share.
#ifndef CPAB_PYTHON_THREAD_POOL_H_
#define CPAB_PYTHON_THREAD_POOL_H_

#include "cpab/field/parallel.h"

namespace cpab::python {

// Threads that a call may use: at first as many as the process may run on at
// once. `num_threads` is at least 1. Calls that run already keep theirs.
void SetNumThreads(int num_threads);
int NumThreads();

// A loop on those threads, for use from any thread, in a child process after
// fork() too (threads do not survive it; new ones are started).
ParallelFor SharedThreads();

}  // namespace cpab::python

#endif  // CPAB_PYTHON_THREAD_POOL_H_
