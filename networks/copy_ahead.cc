#include "networks/copy_ahead.h"

#include <ATen/TracerMode.h>
#include <torch/types.h>

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
  torch::Tensor numbers;
  {
    // LibTorch's tracer would record a tensor without its values; untraced, it
    // is a constant of the script.
    const at::tracer::impl::NoTracerDispatchMode untraced;
    numbers = torch::tensor(values, like.scalar_type());
  }
  return CopyAhead(numbers, like.device());
}

}  // namespace networks
