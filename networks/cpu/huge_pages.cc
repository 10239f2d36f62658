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
  if (bytes >= kPage) {
    const size_t whole_pages = (bytes + kPage - 1) / kPage * kPage;
    if (void* const data = std::aligned_alloc(kPage, whole_pages)) {
      // Advice only: without huge pages the memory is as any other.
      madvise(data, whole_pages, MADV_HUGEPAGE);
      return torch::from_blob(data, sizes, &std::free, type);
    }
  }
#endif
  return torch::empty(sizes, type);
}

}  // namespace networks::cpu
