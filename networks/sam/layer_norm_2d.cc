#include "networks/sam/layer_norm_2d.h"

#include <torch/types.h>

#include "networks/exact_scope.h"

namespace networks::sam {

LayerNorm2dImpl::LayerNorm2dImpl(int64_t channels)
    : weight_(register_parameter("weight", torch::ones({channels}))),
      bias_(register_parameter("bias", torch::zeros({channels}))) {}

// In float32, as autocast has it on a GPU. On the CPU it passes bfloat16 on,
// which LibTorch 1.13 does not normalise by weights of float32.
torch::Tensor LayerNorm2dImpl::forward(const torch::Tensor& map) {
  constexpr double kEpsilon = 1e-6;
  return torch::layer_norm(WithAllDigits(map).permute({0, 2, 3, 1}),
                           weight_.sizes(), weight_, bias_, kEpsilon)
      .permute({0, 3, 1, 2});
}

}  // namespace networks::sam
