// Convolutions as products of image rows, for inference on the CPU where
// Winograd's method does not pay: few outputs (7x7 heads) and small images with
// many channels.
//
// In channels_last, the k pixels under one row of the kernel lie one after
// another, so they are a row of a matrix already. One product gives, for each
// pixel and each row dy of the kernel, that row's share of the output dy rows
// above; then k shares are added.
#ifndef NETWORKS_CPU_ROW_CONVOLUTION_H_
#define NETWORKS_CPU_ROW_CONVOLUTION_H_

#include <torch/types.h>

#include "networks/cpu/kernels.h"
#include "networks/cpu/winograd.h"

namespace networks::cpu {

// The convolution with fixed weights, odd k, stride 1 and the zero padding that
// keeps the size. Immutable and safe to use from many threads. Memory: once
// more the weights.
class RowConvolution {
 public:
  // weight: [C', C, k, k] float32 on the CPU.
  RowConvolution(const Kernels& kernels, const torch::Tensor& weight);

  // As Winograd::Apply.
  torch::Tensor Apply(const ConvolutionInput& input, const torch::Tensor& bias,
                      const torch::Tensor& residual = {},
                      torch::Tensor out = {}) const;

 private:
  // Adds to the rows begin .. end - 1 of `out`, one large sample, what `image`
  // gives them.
  void ComputeRows(const ConstPixels& image, bool upsample, int64_t begin,
                   int64_t end, const Pixels& out) const;

  // For small samples, which share the reading of the weights:
  // Shares of all pixels of padded images, [B H (W + k - 1), k C' and more].
  void ComputeShares(const torch::Tensor& padded, torch::Tensor& shares) const;
  // Adds those of samples begin .. begin + count - 1 to `out`.
  void AddShares(const torch::Tensor& shares, int64_t begin, int64_t count,
                 torch::Tensor& out) const;

  const Kernels& kernels_;
  int64_t in_channels_;
  int64_t out_channels_;
  int64_t kernel_size_;
  torch::Tensor panels_;  // [panels, k C, panel_width]
};

}  // namespace networks::cpu

#endif  // NETWORKS_CPU_ROW_CONVOLUTION_H_
