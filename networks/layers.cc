#include "networks/layers.h"

#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/linear.h>
#include <torch/types.h>

#include "networks/cpu/pixels.h"
#include "networks/exact_scope.h"

namespace networks {

Conv2dImpl::Conv2dImpl(int64_t in_channels, int64_t out_channels,
                       int64_t kernel_size, int64_t stride, bool bias)
    : torch::nn::Conv2dImpl(
          torch::nn::Conv2dOptions(in_channels, out_channels, kernel_size)
              .stride(stride)
              .padding(kernel_size / 2)
              .bias(bias)) {
  TORCH_CHECK(kernel_size % 2 == 1, "networks::Conv2d: kernel_size must be ",
              "odd, is ", kernel_size);
}

torch::Tensor Conv2dImpl::forward(const torch::Tensor& x) {
  if (is_training() || !cpu::Available(x)) {
    return torch::nn::Conv2dImpl::forward(x);
  }
  const int64_t kernel_size = weight.size(2), stride = options.stride()->at(0);
  if (stride > 1 || kernel_size == 1) {
    return patches_.Get(weight)->Apply(x, bias, stride);
  }
  const torch::Tensor offset =
      bias.defined() ? bias : torch::zeros({weight.size(0)});
  if (kernel_size == 3 && cpu::Winograd::Worthwhile(x.size(2), x.size(3))) {
    if (cpu::CompactWinograd::Worthwhile(weight.size(1), weight.size(0),
                                         x.size(2), x.size(3))) {
      return compact_.Get(weight)->Apply({x}, offset);
    }
    return winograd_.Get(weight)->Apply({x}, offset);
  }
  return rows_.Get(weight)->Apply({x}, offset);
}

LinearImpl::LinearImpl(int64_t in_features, int64_t out_features)
    : torch::nn::LinearImpl(in_features, out_features) {}

torch::Tensor LinearImpl::forward(const torch::Tensor& x) {
  if (is_training() || !cpu::Available(x)) {
    return torch::nn::LinearImpl::forward(x);
  }
  TORCH_CHECK(x.dim() == 2, "networks::Linear: input must be [B, in], is ",
              x.sizes());
  return patches_.Get(weight.unsqueeze(-1).unsqueeze(-1))
      ->Apply(x.unsqueeze(-1).unsqueeze(-1), bias, /*stride=*/1)
      .flatten(1);
}

torch::Tensor Sigmoid(const torch::Tensor& x) {
  const torch::Tensor full = WithAllDigits(x);
  if (torch::GradMode::is_enabled() || !x.is_cpu()) return full.sigmoid();
  // The formula of torch::sigmoid's vectors. LibTorch computes exp by vectors
  // to the last element, and each of the other operators rounds once.
  return full.neg().exp_().add_(1).reciprocal_();
}

}  // namespace networks
