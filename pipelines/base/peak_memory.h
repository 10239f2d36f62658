// How much memory this process needs.
#ifndef PIPELINES_BASE_PEAK_MEMORY_H_
#define PIPELINES_BASE_PEAK_MEMORY_H_

namespace pipelines {

// The most memory that this process has held so far (its resident set), in
// units of 2^20 bytes.
double PeakMemoryMb();

}  // namespace pipelines

#endif  // PIPELINES_BASE_PEAK_MEMORY_H_
