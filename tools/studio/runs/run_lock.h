// Whether a process trains in a run's folder, without taking its lock.
#ifndef TOOLS_STUDIO_RUNS_RUN_LOCK_H_
#define TOOLS_STUDIO_RUNS_RUN_LOCK_H_

#include <cstdint>

#include "tools/studio/runs/safe_folder.h"

namespace studio {

// The file "lock" (networks/files/file_lock.h) names its holder. On this
// machine the kernel's list of locks says whether that process has it. Taking
// the lock for a test would make a trainer that starts at this moment give up.
// Of processes that cannot be seen (another machine or container) a run counts
// as going on if it wrote something, at `last_write` (seconds since 1970), in
// the ten minutes before `now`.
bool IsTraining(const SafeFolder& run, int64_t last_write, int64_t now);

}  // namespace studio

#endif  // TOOLS_STUDIO_RUNS_RUN_LOCK_H_
