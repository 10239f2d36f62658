// Mapped files whose bytes cannot be had when they are touched: another program
// has cut the file short, or the disk has an error. The system then ends the
// process by SIGBUS; a guard turns that into an error that can be asked for.
// Tested by mapped_file_test.cc.
#ifndef NETWORKS_WEIGHTS_MAPPING_GUARD_H_
#define NETWORKS_WEIGHTS_MAPPING_GUARD_H_

#include <cstddef>
#include <cstdint>

#include "absl/status/status.h"

namespace networks::weights {

// While it lives: the first touch of a byte that cannot be had, by any thread,
// puts zeros in place of the rest of the mapping, and failed() becomes true.
//
// The first guard of a process installs a handler of SIGBUS. Faults elsewhere
// go to the handler that was there before. Where a program installs another one
// later, guards have no effect.
class MappingGuard {
 public:
  // The memory from `data`, of `size` bytes, as mmap gave it.
  MappingGuard(char* data, size_t size);
  MappingGuard(const MappingGuard&) = delete;
  MappingGuard& operator=(const MappingGuard&) = delete;
  ~MappingGuard();

  bool failed() const;

  // How many guarded mappings of this process have failed so far.
  static uint64_t num_failed();

  // Unavailable if one has failed since num_failed() was `before`: for work on
  // memory that may be of any file.
  static absl::Status CheckNoneFailedSince(uint64_t before);

 private:
  struct Slot;
  friend struct BusErrorHandler;

  Slot* const slot_;
};

}  // namespace networks::weights

#endif  // NETWORKS_WEIGHTS_MAPPING_GUARD_H_
