// Instance normalisation with an affine map and without running statistics.
//
// Source: [InstanceNorm], as torch.nn.InstanceNorm2d has it.
#ifndef NETWORKS_INSTANCE_NORM_H_
#define NETWORKS_INSTANCE_NORM_H_

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>
#include <torch/types.h>

#include <cstdint>

#include "networks/cpu/pixels.h"

namespace networks {

// Every channel of every sample gets mean 0 and (biased) variance 1 over its
// pixels, then scale and offset; epsilon is 1e-5.
//
// forward: [B, C, H, W] -> the same shape.
// Parameters: `weight` [C], initially 1, and `bias` [C], initially 0.
class InstanceNorm2dImpl : public torch::nn::Module {
 public:
  explicit InstanceNorm2dImpl(int64_t num_channels);

  torch::Tensor forward(const torch::Tensor& x);

  // relu(forward(x)), in one pass where the CPU's kernels serve.
  torch::Tensor ForwardRelu(const torch::Tensor& x);
  // Of an x that nobody uses any more: in its memory where that can be.
  torch::Tensor ForwardRelu(torch::Tensor&& x);

  // relu(forward(x)) as a scale and a shift to be applied later; only where
  // cpu::AvailableInFloat32(x).
  cpu::ChannelAffine AffineOf(const torch::Tensor& x) const;

 private:
  torch::Tensor weight_;
  torch::Tensor bias_;
};
TORCH_MODULE(InstanceNorm2d);

}  // namespace networks

#endif  // NETWORKS_INSTANCE_NORM_H_
