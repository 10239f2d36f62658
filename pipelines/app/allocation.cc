#include "pipelines/app/allocation.h"

#if defined(__GLIBC__) || __has_include(<malloc.h>)
#include <malloc.h>
#endif

#include <sys/resource.h>

#include <climits>

#include "absl/strings/str_cat.h"

namespace pipelines {

void KeepFreedMemory() {
#if defined(M_MMAP_MAX) && defined(M_TRIM_THRESHOLD)
  mallopt(M_MMAP_MAX, 0);  // large blocks come from the heap, too
  mallopt(M_TRIM_THRESHOLD, INT_MAX);
#endif
}

absl::Status CheckAddressSpace() {
  constexpr rlim_t kNeeded = rlim_t{1300} << 20;  // on two cores; more on many
  rlimit limit;
  if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY ||
      limit.rlim_cur >= kNeeded) {
    return absl::OkStatus();
  }
  return absl::ResourceExhaustedError(
      absl::StrCat("this process may use ", limit.rlim_cur >> 20,
                   " MB of address space (ulimit -v); at least ", kNeeded >> 20,
                   " MB are needed"));
}

}  // namespace pipelines
