#include "pipelines/app/allocation.h"

#if defined(__GLIBC__) || __has_include(<malloc.h>)
#include <malloc.h>
#endif

#include <climits>

namespace pipelines {

void KeepFreedMemory() {
#if defined(M_MMAP_MAX) && defined(M_TRIM_THRESHOLD)
  mallopt(M_MMAP_MAX, 0);  // large blocks come from the heap, too
  mallopt(M_TRIM_THRESHOLD, INT_MAX);
#endif
}

}  // namespace pipelines
