#include "networks/cpu/huge_pages.h"

#include <torch/torch.h>

#include <cstdlib>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace networks::cpu {

torch::Tensor EmptyInHugePages(at::IntArrayRef sizes, torch::ScalarType type) {
#if defined(__linux__) && defined(MADV_HUGEPAGE)
  constexpr size_t kPage = size_t{2} << 20;
  const size_t bytes = c10::multiply_integers(sizes) * c10::elementSize(type);
  // From the heap, where it also fills what others have given back.
  void* data = nullptr;
  if (bytes >= kPage && posix_memalign(&data, kPage, bytes) == 0) {
    // Advice only: without huge pages the memory is as any other. What is left
    // at the end has small pages, of which only those in use are held.
    madvise(data, bytes / kPage * kPage, MADV_HUGEPAGE);
    return torch::from_blob(data, sizes, &std::free, type);
  }
#endif
  return torch::empty(sizes, type);
}

}  // namespace networks::cpu
