#include "cpab/torch/kernel_device.h"

#include <atomic>

#include "cpab/cuda/device.h"

namespace cpab {
namespace {

std::atomic<c10::DeviceType> served_on_host = c10::kCPU;

}  // namespace

bool HasKernelsFor(c10::Device device) {
  if (device.is_cpu()) return false;
  return device.type() == served_on_host ||
         (device.is_cuda() && kernels::HasKernels());
}

bool KernelsRunOnHost(c10::Device device) {
  return device.is_cpu() || device.type() == served_on_host;
}

void ServeOnHostForTesting(c10::DeviceType type) { served_on_host = type; }

}  // namespace cpab
