// Layer normalisation over the channels of a map, at each pixel for itself.
#ifndef NETWORKS_SAM_LAYER_NORM_2D_H_
#define NETWORKS_SAM_LAYER_NORM_2D_H_

#include <torch/nn/module.h>
#include <torch/types.h>

#include <cstdint>

namespace networks::sam {

class LayerNorm2dImpl : public torch::nn::Module {
 public:
  explicit LayerNorm2dImpl(int64_t channels);

  // [B, C, H, W] -> [B, C, H, W].
  torch::Tensor forward(const torch::Tensor& map);

 private:
  torch::Tensor weight_;  // [C]
  torch::Tensor bias_;    // [C]
};
TORCH_MODULE(LayerNorm2d);

}  // namespace networks::sam

#endif  // NETWORKS_SAM_LAYER_NORM_2D_H_
