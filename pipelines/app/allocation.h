// How the C library keeps memory, and whether there is enough.
#ifndef PIPELINES_APP_ALLOCATION_H_
#define PIPELINES_APP_ALLOCATION_H_

#include "absl/status/status.h"

namespace pipelines {

// From now on freed memory stays with the process and is used again. By default
// each large tensor is taken from the system and given back, and the system
// clears its pages anew each time: a twentieth of an animated frame's time.
// What the process holds at its peak does not change. Elsewhere than on Linux
// with the GNU C library this does nothing.
void KeepFreedMemory();

// ResourceExhausted if this process may use less memory (`ulimit -v`) than
// LibTorch and its threads need before anything is computed: they would end it
// by a signal, or wait for ever, without a word.
absl::Status CheckAddressSpace();

}  // namespace pipelines

#endif  // PIPELINES_APP_ALLOCATION_H_
