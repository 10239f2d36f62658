// The GPU at hand, and memory of it, for tests and benchmarks that do without
// LibTorch.
#ifndef CPAB_CUDA_DEVICE_H_
#define CPAB_CUDA_DEVICE_H_

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

namespace cpab::kernels {

// Whether this build has kernels: --config=cuda.
bool HasKernels();

// Empty if kernels can run here; else a sentence that says why not.
std::string WhyNoDevice();

// Waits for all work. Empty, or what went wrong in it.
std::string FinishWork();

// Memory of the current device; abort where there is none.
void* AllocateOnDevice(size_t bytes);
void FreeOnDevice(void* memory);
void CopyToDevice(const void* from, size_t bytes, void* to);
void CopyFromDevice(const void* from, size_t bytes, void* to);

template <typename T>
class DeviceArray {
 public:
  explicit DeviceArray(size_t size)
      : size_(size),
        data_(static_cast<T*>(AllocateOnDevice(size * sizeof(T))),
              FreeOnDevice) {}
  explicit DeviceArray(const std::vector<T>& values)
      : DeviceArray(values.size()) {
    CopyToDevice(values.data(), size_ * sizeof(T), data_.get());
  }

  T* data() { return data_.get(); }
  // Waits for the work that writes it.
  std::vector<T> Values() const {
    std::vector<T> values(size_);
    CopyFromDevice(data_.get(), size_ * sizeof(T), values.data());
    return values;
  }

 private:
  size_t size_;
  std::unique_ptr<T, void (*)(void*)> data_;
};

}  // namespace cpab::kernels

#endif  // CPAB_CUDA_DEVICE_H_
