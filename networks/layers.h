// Convolutions and fully connected layers as PyTorch's, for networks that read
// numbers off an image.
//
// LibTorch's choose their kernels, and with them the order of sums, by the size
// of the batch and the number of threads. In inference on the CPU these compute
// a sample's result to the bit alone, in any batch and on any number of threads
// (networks/cpu); elsewhere and in train mode they are LibTorch's.
#ifndef NETWORKS_LAYERS_H_
#define NETWORKS_LAYERS_H_

#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/linear.h>
#include <torch/types.h>

#include <cstdint>

#include "networks/cpu/compact_winograd.h"
#include "networks/cpu/patch_convolution.h"
#include "networks/cpu/row_convolution.h"
#include "networks/cpu/weight_cache.h"
#include "networks/cpu/winograd.h"

namespace networks {

// torch::nn::Conv2d with an odd kernel_size and a padding of kernel_size / 2.
class Conv2dImpl : public torch::nn::Conv2dImpl {
 public:
  Conv2dImpl(int64_t in_channels, int64_t out_channels, int64_t kernel_size,
             int64_t stride = 1, bool bias = true);

  torch::Tensor forward(const torch::Tensor& x);

 private:
  cpu::WeightCache<cpu::CompactWinograd> compact_;
  cpu::WeightCache<cpu::Winograd> winograd_;
  cpu::WeightCache<cpu::RowConvolution> rows_;
  cpu::WeightCache<cpu::PatchConvolution> patches_;
};
TORCH_MODULE(Conv2d);

// torch::nn::Linear. forward: [B, in] -> [B, out].
class LinearImpl : public torch::nn::LinearImpl {
 public:
  LinearImpl(int64_t in_features, int64_t out_features);

  torch::Tensor forward(const torch::Tensor& x);

 private:
  cpu::WeightCache<cpu::PatchConvolution> patches_;
};
TORCH_MODULE(Linear);

// 1 / (1 + exp(-x)), in float32 at least. Without gradients on the CPU an
// element's value depends on the element alone, whereas torch::sigmoid rounds
// otherwise at the ends of each thread's share.
torch::Tensor Sigmoid(const torch::Tensor& x);

}  // namespace networks

#endif  // NETWORKS_LAYERS_H_
