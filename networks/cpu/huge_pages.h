// Memory for large arrays that are read again and again.
#ifndef NETWORKS_CPU_HUGE_PAGES_H_
#define NETWORKS_CPU_HUGE_PAGES_H_

#include <torch/types.h>

namespace networks::cpu {

// An uninitialised contiguous tensor on the CPU. Where it is large, and Linux
// offers them, all of its memory but the ends has pages of 2 MB: with those of
// 4 KB, products that read transformed weights once for many sums wait for the
// table of pages.
torch::Tensor EmptyInHugePages(at::IntArrayRef sizes, torch::ScalarType type);

}  // namespace networks::cpu

#endif  // NETWORKS_CPU_HUGE_PAGES_H_
