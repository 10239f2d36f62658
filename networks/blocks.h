// Building blocks of the hourglass and of the inpainting network.
//
// Source: [FOMM], with instance norms as in [TPS]: ResBlock2d, UpBlock2d,
// DownBlock2d and SameBlock2d in modules/util.py of its code.
//
// All map [B, in, H, W] to [B, out, H', W']; their convolutions keep the size
// (padding = kernel_size / 2) and have a bias.
//
// On the CPU they run on the kernels in networks/cpu: in training the 3x3
// convolutions and those with one output, where that is faster; in inference
// everything, with normalisation, ReLU, up-sampling and residual in the
// convolutions' passes. The results agree to rounding, and are channels_last.
//
// Within autocast to bfloat16, in eval mode and without gradients, 3x3
// convolutions of float32 images have products in bfloat16 on a CPU with units
// for it; the results are float32 then (networks/cpu/bfloat16_winograd.h).
//
// In eval mode and float32 on the CPU a sample's result is the same to the bit
// alone, in any batch and on any number of threads. In train mode kernels are
// chosen by what is fastest for the batch, also where gradients are off.
#ifndef NETWORKS_BLOCKS_H_
#define NETWORKS_BLOCKS_H_

#include <torch/nn/modules/conv.h>
#include <torch/types.h>

#include <cstdint>

#include "networks/cpu/bfloat16_winograd.h"
#include "networks/cpu/compact_winograd.h"
#include "networks/cpu/convolution_input.h"
#include "networks/cpu/differentiable_convolution.h"
#include "networks/cpu/row_convolution.h"
#include "networks/cpu/weight_cache.h"
#include "networks/instance_norm.h"

namespace networks {

// For a training step: whether trained 3x3 convolutions of more than 256 x 256
// channels go by Winograd's method, too (networks/cpu).
using LargeConvolutionScope = cpu::LargeConvolutionScope;

// A convolution with a bias that keeps height and width; kernel_size is odd.
// Parameters: weight, bias, initialised as PyTorch's.
class SameConv2dImpl : public torch::nn::Conv2dImpl {
 public:
  SameConv2dImpl(int64_t in_channels, int64_t out_channels,
                 int64_t kernel_size);

  torch::Tensor forward(const torch::Tensor& x);

  // Whether the CPU's kernels serve `x`: in inference in float32, and in eval
  // mode within autocast to bfloat16 on processors with units for it.
  bool Serves(const torch::Tensor& x) const;

  // The convolution of what `input` describes, plus `residual` if defined, on
  // the CPU's kernels; into `out`, if defined, which may be the residual. Only
  // where Serves(input.image).
  torch::Tensor Apply(const cpu::ConvolutionInput& input,
                      const torch::Tensor& residual = {},
                      const torch::Tensor& out = {});

 private:
  cpu::DifferentiableConvolution winograd_;
  cpu::WeightCache<cpu::Bfloat16Winograd, &cpu::BestBfloat16Kernels> bfloat16_;
  cpu::WeightCache<cpu::CompactWinograd> compact_;
  cpu::WeightCache<cpu::RowConvolution> rows_;
};
TORCH_MODULE(SameConv2d);

// conv -> norm -> relu. Same size.
class SameBlock2dImpl : public torch::nn::Module {
 public:
  SameBlock2dImpl(int64_t in_channels, int64_t out_channels,
                  int64_t kernel_size);
  torch::Tensor forward(const torch::Tensor& x);

 private:
  SameConv2d conv_;
  InstanceNorm2d norm_;
};
TORCH_MODULE(SameBlock2d);

// conv 3x3 -> norm -> relu -> mean over 2x2. Half the size.
class DownBlock2dImpl : public torch::nn::Module {
 public:
  DownBlock2dImpl(int64_t in_channels, int64_t out_channels);
  torch::Tensor forward(const torch::Tensor& x);

 private:
  SameConv2d conv_;
  InstanceNorm2d norm_;
};
TORCH_MODULE(DownBlock2d);

// nearest x2 -> conv 3x3 -> norm -> relu. Twice the size.
class UpBlock2dImpl : public torch::nn::Module {
 public:
  UpBlock2dImpl(int64_t in_channels, int64_t out_channels);
  torch::Tensor forward(const torch::Tensor& x);

 private:
  SameConv2d conv_;
  InstanceNorm2d norm_;
};
TORCH_MODULE(UpBlock2d);

// x + (norm1 -> relu -> conv1 3x3 -> norm2 -> relu -> conv2 3x3). Same size.
class ResBlock2dImpl : public torch::nn::Module {
 public:
  explicit ResBlock2dImpl(int64_t num_channels);
  torch::Tensor forward(const torch::Tensor& x);
  // Of an x that nobody uses any more: in its memory where that can be.
  torch::Tensor ForwardInPlace(torch::Tensor x);

 private:
  torch::Tensor Apply(const torch::Tensor& x, const torch::Tensor& out);

  SameConv2d conv1_;
  SameConv2d conv2_;
  InstanceNorm2d norm1_;
  InstanceNorm2d norm2_;
};
TORCH_MODULE(ResBlock2d);

}  // namespace networks

#endif  // NETWORKS_BLOCKS_H_
