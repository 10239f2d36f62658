// Down-sampling that smooths first, so that fine texture does not alias.
//
// Source: [FOMM], AntiAliasInterpolation2d in modules/util.py of its code,
// which [CPABMM] keeps.
#ifndef NETWORKS_ANTIALIAS_H_
#define NETWORKS_ANTIALIAS_H_

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>
#include <torch/types.h>

#include <cstdint>

namespace networks {

// Gaussian of sigma (1 / scale - 1) / 2, cut off at four sigma, with zeros
// outside the image; then every (1 / scale)-th pixel, beginning with the first.
//
// forward: [B, num_channels, H, W] -> [B, num_channels, floor(H scale),
// floor(W scale)]. A scale of 1 is the identity.
// Buffers: `weight` [num_channels, 1, k, k], the kernel, part of checkpoints.
class AntiAliasInterpolation2dImpl : public torch::nn::Module {
 public:
  // 0 < scale <= 1.
  AntiAliasInterpolation2dImpl(int64_t num_channels, double scale);

  torch::Tensor forward(const torch::Tensor& x);

 private:
  double scale_;
  torch::Tensor weight_;  // undefined for a scale of 1
};
TORCH_MODULE(AntiAliasInterpolation2d);

}  // namespace networks

#endif  // NETWORKS_ANTIALIAS_H_
