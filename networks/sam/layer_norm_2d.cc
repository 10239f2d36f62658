#include "networks/sam/layer_norm_2d.h"

#include <torch/types.h>

namespace networks::sam {

LayerNorm2dImpl::LayerNorm2dImpl(int64_t channels)
    : weight_(register_parameter("weight", torch::ones({channels}))),
      bias_(register_parameter("bias", torch::zeros({channels}))) {}

torch::Tensor LayerNorm2dImpl::forward(const torch::Tensor& map) {
  constexpr double kEpsilon = 1e-6;
  return torch::layer_norm(map.permute({0, 2, 3, 1}), weight_.sizes(), weight_,
                           bias_, kEpsilon)
      .permute({0, 3, 1, 2});
}

}  // namespace networks::sam
