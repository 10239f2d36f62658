#include "networks/cpu/huge_pages.h"

#include <torch/torch.h>

#if defined(__linux__)
#include <sys/mman.h>

#include <cstdint>
#endif

namespace networks::cpu {
namespace {

#if defined(__linux__) && defined(MADV_HUGEPAGE)

constexpr size_t kPage = size_t{2} << 20;

// `bytes` of memory from a page's begin on; null if there is none. Not of the
// heap, where what others take and give back would leave gaps around it.
void* MapPages(size_t bytes) {
  char* const mapped = static_cast<char*>(
      mmap(nullptr, bytes + kPage, PROT_READ | PROT_WRITE,
           MAP_PRIVATE | MAP_ANONYMOUS, /*fd=*/-1, /*offset=*/0));
  if (mapped == MAP_FAILED) return nullptr;
  const size_t before = -reinterpret_cast<uintptr_t>(mapped) % kPage;
  if (before > 0) munmap(mapped, before);
  munmap(mapped + before + bytes, kPage - before);
  // Advice only: without huge pages the memory is as any other. What is left at
  // the end has small pages, of which only those in use are held.
  madvise(mapped + before, bytes / kPage * kPage, MADV_HUGEPAGE);
  return mapped + before;
}

#endif

}  // namespace

torch::Tensor EmptyInHugePages(at::IntArrayRef sizes, torch::ScalarType type) {
#if defined(__linux__) && defined(MADV_HUGEPAGE)
  constexpr size_t kSmallPage = 4096;
  const size_t bytes = c10::multiply_integers(sizes) * c10::elementSize(type);
  const size_t whole = (bytes + kSmallPage - 1) / kSmallPage * kSmallPage;
  void* const data = bytes >= kPage ? MapPages(whole) : nullptr;
  if (data != nullptr) {
    return torch::from_blob(
        data, sizes, [whole](void* pages) { munmap(pages, whole); }, type);
  }
#endif
  return torch::empty(sizes, type);
}

}  // namespace networks::cpu
