// 3x3 convolutions by Winograd's method with products in bfloat16, for
// inference on processors with AVX512-BF16.
//
// As networks/cpu/winograd.h; only the factors of the products, that is the
// transformed inputs and weights, are rounded. Images and sums are float32, so
// nothing is converted between layers.
#ifndef NETWORKS_CPU_BFLOAT16_WINOGRAD_H_
#define NETWORKS_CPU_BFLOAT16_WINOGRAD_H_

#include <torch/types.h>

#include "networks/cpu/bfloat16_kernels.h"
#include "networks/cpu/convolution_input.h"

namespace networks::cpu {

// Whether Bfloat16Winograd serves `x`: float32 on a CPU with kernels for it,
// within autocast to bfloat16 and with autograd off.
bool AvailableInBfloat16(const torch::Tensor& x);

struct WinogradJob;

// The convolution with fixed weights, zero padding of 1 and stride 1. Immutable
// and safe to use from many threads. Memory: twice the weights.
class Bfloat16Winograd {
 public:
  // weight: [C', C, 3, 3] float32 on the CPU.
  Bfloat16Winograd(const Bfloat16Kernels& kernels, const torch::Tensor& weight);

  // As Winograd::Apply, with errors of 0.7 % of the outputs' size; three times
  // those of a direct convolution in bfloat16.
  torch::Tensor Apply(const ConvolutionInput& input, const torch::Tensor& bias,
                      const torch::Tensor& residual = {},
                      torch::Tensor out = {}) const;

 private:
  void RunStrip(const WinogradJob& job, int64_t begin, int64_t end) const;

  const Bfloat16Kernels& kernels_;
  int64_t in_channels_;
  int64_t out_channels_;
  int64_t depth_;         // in_channels_, made even
  torch::Tensor panels_;  // [36, panels, depth_ * panel_width] bfloat16
};

}  // namespace networks::cpu

#endif  // NETWORKS_CPU_BFLOAT16_WINOGRAD_H_
