#include "networks/blocks.h"

#include <torch/nn/modules/conv.h>
#include <torch/types.h>

#include "networks/cpu/fold_convolution.h"
#include "networks/cpu/pixels.h"
#include "networks/cpu/winograd.h"

namespace networks {

SameConv2dImpl::SameConv2dImpl(int64_t in_channels, int64_t out_channels,
                               int64_t kernel_size)
    : Conv2dImpl(
          torch::nn::Conv2dOptions(in_channels, out_channels, kernel_size)
              .padding(kernel_size / 2)) {}

bool SameConv2dImpl::Serves(const torch::Tensor& x) const {
  return cpu::Available(x) || (!is_training() && cpu::AvailableInBfloat16(x));
}

torch::Tensor SameConv2dImpl::Apply(const cpu::ConvolutionInput& input,
                                    const torch::Tensor& residual,
                                    const torch::Tensor& out) {
  const int64_t zoom = input.upsample ? 2 : 1;
  const int64_t height = zoom * input.image.size(2);
  const int64_t width = zoom * input.image.size(3);
  const bool by_winograd = is_training()
                               ? cpu::Winograd::WorthwhileTogether(
                                     input.image.size(0), height, width)
                               : cpu::Winograd::Worthwhile(height, width);
  if (weight.size(2) == 3 && by_winograd) {
    if (cpu::AvailableInBfloat16(input.image)) {
      return bfloat16_.Get(weight)->Apply(input, bias, residual, out);
    }
    // In train mode Winograd's weights are there for training.
    if (!is_training() && cpu::CompactWinograd::Worthwhile(
                              weight.size(1), weight.size(0), height, width)) {
      return compact_.Get(weight)->Apply(input, bias, residual, out);
    }
    return winograd_.Forward(weight)->Apply(input, bias, residual, out);
  }
  return rows_.Get(weight)->Apply(input, bias, residual, out);
}

torch::Tensor SameConv2dImpl::forward(const torch::Tensor& x) {
  if (Serves(x)) return Apply({x});
  if (cpu::DifferentiableConvolution::Serves(x, weight)) {
    return winograd_.Apply(x, weight, bias);
  }
  if (cpu::FoldConvolutionServes(x, weight)) {
    return cpu::FoldConvolution(x, weight, bias);
  }
  return Conv2dImpl::forward(x);
}

SameBlock2dImpl::SameBlock2dImpl(int64_t in_channels, int64_t out_channels,
                                 int64_t kernel_size)
    : conv_(register_module(
          "conv", SameConv2d(in_channels, out_channels, kernel_size))),
      norm_(register_module("norm", InstanceNorm2d(out_channels))) {}

torch::Tensor SameBlock2dImpl::forward(const torch::Tensor& x) {
  return norm_->ForwardRelu(conv_(x));
}

DownBlock2dImpl::DownBlock2dImpl(int64_t in_channels, int64_t out_channels)
    : conv_(register_module("conv", SameConv2d(in_channels, out_channels, 3))),
      norm_(register_module("norm", InstanceNorm2d(out_channels))) {}

torch::Tensor DownBlock2dImpl::forward(const torch::Tensor& x) {
  return torch::avg_pool2d(norm_->ForwardRelu(conv_(x)), /*kernel_size=*/2);
}

UpBlock2dImpl::UpBlock2dImpl(int64_t in_channels, int64_t out_channels)
    : conv_(register_module("conv", SameConv2d(in_channels, out_channels, 3))),
      norm_(register_module("norm", InstanceNorm2d(out_channels))) {}

torch::Tensor UpBlock2dImpl::forward(const torch::Tensor& x) {
  if (conv_->Serves(x)) {
    return norm_->ForwardRelu(conv_->Apply({x, {}, /*upsample=*/true}));
  }
  const torch::Tensor up =
      torch::upsample_nearest2d(x, {2 * x.size(2), 2 * x.size(3)});
  return norm_->ForwardRelu(conv_(up));
}

ResBlock2dImpl::ResBlock2dImpl(int64_t num_channels)
    : conv1_(
          register_module("conv1", SameConv2d(num_channels, num_channels, 3))),
      conv2_(
          register_module("conv2", SameConv2d(num_channels, num_channels, 3))),
      norm1_(register_module("norm1", InstanceNorm2d(num_channels))),
      norm2_(register_module("norm2", InstanceNorm2d(num_channels))) {}

torch::Tensor ResBlock2dImpl::Apply(const torch::Tensor& x,
                                    const torch::Tensor& out) {
  const torch::Tensor hidden = conv1_->Apply({x, norm1_->AffineOf(x)});
  return conv2_->Apply({hidden, norm2_->AffineOf(hidden)}, x, out);
}

torch::Tensor ResBlock2dImpl::ForwardInPlace(torch::Tensor x) {
  return conv1_->Serves(x) && x.stride(1) == 1 ? Apply(x, x) : forward(x);
}

torch::Tensor ResBlock2dImpl::forward(const torch::Tensor& x) {
  if (conv1_->Serves(x)) return Apply(x, /*out=*/{});
  const torch::Tensor hidden = conv1_(norm1_->ForwardRelu(x));
  return conv2_(norm2_->ForwardRelu(hidden)) + x;
}

}  // namespace networks
