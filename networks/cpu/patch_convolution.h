// Convolutions as a product of image patches, for inference on the CPU: any
// stride, and fully connected layers, which are convolutions of one pixel.
//
// The k x k pixels that an output depends on are one row of a matrix, and the
// weights of all outputs are another matrix: out = patches * weights + bias.
// Where the stride is 1, row_convolution.h and winograd.h copy and multiply
// less.
#ifndef NETWORKS_CPU_PATCH_CONVOLUTION_H_
#define NETWORKS_CPU_PATCH_CONVOLUTION_H_

#include <torch/types.h>

#include "networks/cpu/kernels.h"

namespace networks::cpu {

// The convolution with fixed weights and zero padding of (k - 1) / 2. Immutable
// and safe to use from many threads. Memory: once more the weights.
class PatchConvolution {
 public:
  // weight: [C', C, k, k] float32 on the CPU, k odd.
  PatchConvolution(const Kernels& kernels, const torch::Tensor& weight);

  // Twin: torch::conv2d(image, weight, bias, stride, (k - 1) / 2), to rounding.
  // image [B, C, H, W] -> [B, C', (H - 1) / stride + 1, (W - 1) / stride + 1],
  // channels_last; `bias` [C'] or undefined.
  // A pixel's value does not depend on the batch or the number of threads.
  torch::Tensor Apply(const torch::Tensor& image, const torch::Tensor& bias,
                      int64_t stride) const;

 private:
  struct Job;

  void ComputePixels(const Job& job, int64_t begin, int64_t end) const;

  const Kernels& kernels_;
  int64_t in_channels_;
  int64_t out_channels_;
  int64_t kernel_size_;
  torch::Tensor panels_;  // [panels, k k C, panel_width]
};

}  // namespace networks::cpu

#endif  // NETWORKS_CPU_PATCH_CONVOLUTION_H_
