// T(points; theta) and its gradient by the kernels of cpab/cuda, in the dtype
// of the tensors; on the CPU, by the host's build of the same source.
//
// Nothing waits for the device: the basis is copied to it once, and work is put
// on LibTorch's current stream.
//
// Private to //cpab/torch: Transform in cpab/torch/transform.h calls it.
#ifndef CPAB_TORCH_KERNEL_FLOW_H_
#define CPAB_TORCH_KERNEL_FLOW_H_

#include <torch/types.h>

#include <memory>

#include "cpab/field/basis.h"

namespace cpab {

// theta [B, d], points [B, N, 2] or [N, 2], float32 or float64 on one device,
// the CPU or one that HasKernelsFor() (kernel_device.h). Returns [B, N, 2],
// differentiable once.
torch::Tensor KernelFlow(const std::shared_ptr<const Basis>& basis,
                         const torch::Tensor& theta,
                         const torch::Tensor& points);

}  // namespace cpab

#endif  // CPAB_TORCH_KERNEL_FLOW_H_
