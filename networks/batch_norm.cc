// Tested by pipelines/parallel/parallel_test.cc.
#include "networks/batch_norm.h"

#include <torch/types.h>
#include <torch/utils.h>

namespace networks {
namespace {

// PyTorch's defaults.
constexpr double kEpsilon = 1e-5;
constexpr double kMomentum = 0.1;

torch::Tensor PerChannel(const torch::Tensor& values) {
  return values.view({1, -1, 1, 1});
}

// running += momentum (now - running)
void Follow(const torch::Tensor& running, const torch::Tensor& now) {
  const torch::NoGradGuard no_grad;
  running.lerp_(now.detach().to(running.scalar_type()), kMomentum);
}

}  // namespace

BatchNorm2dImpl::BatchNorm2dImpl(int64_t num_channels)
    : weight(register_parameter("weight", torch::ones({num_channels}))),
      bias(register_parameter("bias", torch::zeros({num_channels}))),
      running_mean(
          register_buffer("running_mean", torch::zeros({num_channels}))),
      running_var(register_buffer("running_var", torch::ones({num_channels}))),
      num_batches_tracked(register_buffer("num_batches_tracked",
                                          torch::tensor(0, torch::kInt64))) {}

torch::Tensor BatchNorm2dImpl::forward(const torch::Tensor& x) {
  // Of one value there is no variance: the running one would be NaN for ever.
  TORCH_CHECK(
      !is_training() || (sum_ ? num_processes_ : 1) * x.numel() > x.size(1),
      "BatchNorm2d: needs more than one value a channel in train mode, has ",
      x.sizes());
  if (is_training()) num_batches_tracked += 1;
  if (is_training() && sum_) return NormalizeTogether(x);
  return torch::batch_norm(x, weight, bias, running_mean, running_var,
                           is_training(), kMomentum, kEpsilon,
                           /*cudnn_enabled=*/true);
}

// Two rounds, mean first: the mean of squares minus the squared mean would
// cancel where a channel's mean is large against its deviation. In float32 at
// least, as LibTorch's alone: autocast's types round statistics, and Gloo has
// no bfloat16 before LibTorch 2.2.
torch::Tensor BatchNorm2dImpl::NormalizeTogether(const torch::Tensor& given) {
  const torch::Tensor x =
      given.to(torch::promote_types(given.scalar_type(), torch::kFloat32));
  const torch::Tensor mean = sum_(x.mean({0, 2, 3})) / num_processes_;  // [C]
  const torch::Tensor centred = x - PerChannel(mean);
  const torch::Tensor variance =
      sum_(centred.square().mean({0, 2, 3})) / num_processes_;
  const double n = static_cast<double>(num_processes_ * x.numel() / x.size(1));
  Follow(running_mean, mean);
  Follow(running_var, variance * (n / (n - 1)));
  const torch::Tensor scale = weight * (variance + kEpsilon).rsqrt();
  return (centred * PerChannel(scale) + PerChannel(bias))
      .to(given.scalar_type());
}

}  // namespace networks
