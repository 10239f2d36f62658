#include "networks/copy_ahead.h"

#include <torch/torch.h>

namespace networks {

torch::Tensor CopyAhead(const torch::Tensor& x, torch::Device device) {
  if (!x.is_cpu()) return x.to(device);
  if (device.is_cpu()) return x;
  // LibTorch keeps the page-locked memory until the copy is made.
  return (device.is_cuda() ? x.pin_memory() : x)
      .to(device, x.scalar_type(), /*non_blocking=*/true);
}

torch::Tensor NumbersAhead(const std::vector<double>& values,
                           const torch::Tensor& like) {
  return CopyAhead(torch::tensor(values, like.scalar_type()), like.device());
}

}  // namespace networks
