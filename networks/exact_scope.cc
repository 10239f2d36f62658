#include "networks/exact_scope.h"

#include <ATen/Context.h>

#include "third_party/libtorch/autocast_state.h"

namespace networks {
namespace {

void SetAutocast(c10::DeviceType device, bool on) {
  libtorch::SetAutocast(device, on, libtorch::AutocastDtype(device));
}

}  // namespace

ExactScope::ExactScope(c10::Device device)
    : device_(device),
      autocast_(libtorch::IsAutocastOn(device.type())),
      tf32_in_products_(device.is_cuda() &&
                        at::globalContext().allowTF32CuBLAS()),
      tf32_in_convolutions_(device.is_cuda() &&
                            at::globalContext().allowTF32CuDNN()) {
  if (autocast_) SetAutocast(device_.type(), false);
  if (tf32_in_products_) at::globalContext().setAllowTF32CuBLAS(false);
  if (tf32_in_convolutions_) at::globalContext().setAllowTF32CuDNN(false);
}

ExactScope::~ExactScope() {
  if (autocast_) SetAutocast(device_.type(), true);
  if (tf32_in_products_) at::globalContext().setAllowTF32CuBLAS(true);
  if (tf32_in_convolutions_) at::globalContext().setAllowTF32CuDNN(true);
}

torch::Tensor WithAllDigits(const torch::Tensor& x) {
  const bool is_short =
      x.scalar_type() == torch::kBFloat16 || x.scalar_type() == torch::kHalf;
  return is_short ? x.to(torch::kFloat32) : x;
}

}  // namespace networks
