// A base of allocators: LibTorch 2.3 and later call `allocate` on what is not
// const, and want a function that copies.
#ifndef THIRD_PARTY_LIBTORCH_HOST_ALLOCATOR_H_
#define THIRD_PARTY_LIBTORCH_HOST_ALLOCATOR_H_

#include <c10/core/Allocator.h>
#include <torch/version.h>

#include <cstddef>

namespace libtorch {

// Of memory that the host can read and write, for whatever device.
class HostAllocator : public c10::Allocator {
 public:
#if TORCH_VERSION_MAJOR > 2 || \
    (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 3)
  c10::DataPtr allocate(size_t size) final { return NewMemory(size); }
  void copy_data(void* to, const void* from, size_t size) const final {
    default_copy_data(to, from, size);
  }
#else
  c10::DataPtr allocate(size_t size) const final { return NewMemory(size); }
#endif

 private:
  // `size` bytes, which may hold anything.
  virtual c10::DataPtr NewMemory(size_t size) const = 0;
};

}  // namespace libtorch

#endif  // THIRD_PARTY_LIBTORCH_HOST_ALLOCATOR_H_
