// Tested by blocks_test.cc.
#include "networks/instance_norm.h"

#include <torch/types.h>

#include "networks/cpu/differentiable_norm.h"
#include "third_party/libtorch/autocast_state.h"

namespace networks {
namespace {

// [InstanceNorm] with PyTorch's default.
constexpr double kEpsilon = 1e-5;

}  // namespace

InstanceNorm2dImpl::InstanceNorm2dImpl(int64_t num_channels)
    : weight_(register_parameter("weight", torch::ones({num_channels}))),
      bias_(register_parameter("bias", torch::zeros({num_channels}))) {}

torch::Tensor InstanceNorm2dImpl::forward(const torch::Tensor& x) {
  // A batch of one is a batch norm by its own statistics. at::instance_norm
  // would first copy a channels_last tensor into the other layout.
  if (x.size(0) == 1) {
    return torch::batch_norm(x, weight_, bias_, {}, {}, /*training=*/true,
                             /*momentum=*/0, kEpsilon, /*cudnn_enabled=*/true);
  }
  return torch::instance_norm(x, weight_, bias_, {}, {},
                              /*use_input_stats=*/true, /*momentum=*/0,
                              kEpsilon, /*cudnn_enabled=*/true);
}

torch::Tensor InstanceNorm2dImpl::ForwardRelu(const torch::Tensor& x) {
  if (cpu::Available(x)) return cpu::Activate(x, AffineOf(x));
  if (!is_training() && libtorch::IsAutocastOn(c10::kCPU)) {
    // In float32: LibTorch's sums depend on the number of threads, and the next
    // convolution rounds anyway.
    const torch::Tensor full = x.to(torch::kFloat32);
    if (cpu::AvailableInFloat32(full)) {
      return cpu::Activate(full, AffineOf(full));
    }
  }
  if (cpu::ServesInstanceNorm(x)) {
    return cpu::DifferentiableInstanceNormRelu(x, weight_, bias_, kEpsilon);
  }
  torch::Tensor normalised = forward(x);
  // In place only without autograd: instance_norm returns a view, whose change
  // in place would cost autograd a copy of the gradient.
  return torch::GradMode::is_enabled() ? normalised.relu() : normalised.relu_();
}

torch::Tensor InstanceNorm2dImpl::ForwardRelu(torch::Tensor&& x) {
  const bool serves =
      cpu::Available(x) || (!is_training() && cpu::AvailableInFloat32(x));
  if (serves && x.stride(1) == 1) return cpu::Activate(x, AffineOf(x), x);
  return ForwardRelu(static_cast<const torch::Tensor&>(x));
}

cpu::ChannelAffine InstanceNorm2dImpl::AffineOf(const torch::Tensor& x) const {
  return cpu::InstanceNormAffine(x, weight_, bias_, kEpsilon);
}

}  // namespace networks
