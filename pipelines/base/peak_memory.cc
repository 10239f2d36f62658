#include "pipelines/base/peak_memory.h"

#include <sys/resource.h>

namespace pipelines {

double PeakMemoryMb() {
  rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;  // Linux counts in KiB
}

}  // namespace pipelines
