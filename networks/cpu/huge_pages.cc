#include "networks/cpu/huge_pages.h"

#include <torch/types.h>

#include <cstdint>
#include <cstdlib>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace networks::cpu {

torch::Tensor EmptyInHugePages(at::IntArrayRef sizes, torch::ScalarType type) {
#if defined(__linux__) && defined(MADV_HUGEPAGE)
  constexpr size_t kPage = size_t{2} << 20;
  const size_t bytes = c10::multiply_integers(sizes) * c10::elementSize(type);
  constexpr size_t kAlignment = 64;
  // From the heap, where it also fills what others have given back. Not from a
  // page's begin on: the allocator's header lies before it, so that up to a
  // page would lie idle between two such tensors.
  void* data = nullptr;
  if (bytes >= kPage && posix_memalign(&data, kAlignment, bytes) == 0) {
    const auto begin = reinterpret_cast<uintptr_t>(data);
    const uintptr_t first = (begin + kPage - 1) / kPage * kPage;
    const uintptr_t last = (begin + bytes) / kPage * kPage;
    // Advice only: without huge pages the memory is as any other.
    if (first < last) {
      madvise(reinterpret_cast<void*>(first), last - first, MADV_HUGEPAGE);
    }
    return torch::from_blob(data, sizes, &std::free, type);
  }
#endif
  return torch::empty(sizes, type);
}

}  // namespace networks::cpu
