// Which devices the kernels of cpab/cuda serve.
#ifndef CPAB_TORCH_KERNEL_DEVICE_H_
#define CPAB_TORCH_KERNEL_DEVICE_H_

#include <c10/core/Device.h>

namespace cpab {

// Whether kernels do the work for tensors of `device`, if nothing else is asked
// for: for CUDA's where the build has them (--config=cuda).
bool HasKernelsFor(c10::Device device);

// Whether the host's build of the kernels' source works on tensors of `device`:
// the CPU's.
bool KernelsRunOnHost(c10::Device device);

// From here on the host's build of the kernels' source does for tensors of
// `type` what kernels do for CUDA's. For tests of what waits for the device:
// `type` is one whose tensors lie in the host's memory
// (networks/testing/stand_in_device.h).
void ServeOnHostForTesting(c10::DeviceType type);

}  // namespace cpab

#endif  // CPAB_TORCH_KERNEL_DEVICE_H_
