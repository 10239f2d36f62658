#include "losses/perceptual.h"

#include <torch/nn/modules/container/modulelist.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <array>
#include <cstddef>

#include "networks/recompute.h"

namespace losses {
namespace {

using networks::Tensors;
using Features = std::array<torch::Tensor, networks::Vgg19Impl::kNumSlices>;

// What one level of the pyramid computes with.
struct Level {
  networks::Vgg19 vgg;
  networks::AntiAliasInterpolation2d shrink;

  Features operator()(const torch::Tensor& image) const {
    return vgg.ptr()->forward(shrink.ptr()->forward(image));
  }
};

Features DescribeReal(const Level& level, const torch::Tensor& real) {
  const torch::NoGradGuard no_grad;
  return level(real);
}

// The mean absolute difference of each layer, a scalar.
Tensors Compare(const Level& level, const torch::Tensor& generated,
                const Features& of_real) {
  const Features of_generated = level(generated);
  Tensors values;
  for (size_t layer = 0; layer < of_real.size(); ++layer) {
    values.push_back(torch::l1_loss(of_generated[layer], of_real[layer]));
  }
  return values;
}

}  // namespace

PerceptualLossImpl::PerceptualLossImpl(const PerceptualOptions& options)
    : options_(options),
      vgg_(register_module("vgg", networks::Vgg19(options.vgg_width))) {
  torch::nn::ModuleList levels;
  for (const double scale : options.scales) {
    pyramid_.push_back(
        networks::AntiAliasInterpolation2d(/*num_channels=*/3, scale));
    levels->push_back(pyramid_.back());
  }
  // Registered so that the kernels follow the module to another device.
  register_module("pyramid", levels);
}

PerceptualOutput PerceptualLossImpl::forward(const torch::Tensor& real,
                                             const torch::Tensor& generated) {
  PerceptualOutput output;
  output.total = torch::zeros({}, generated.options().requires_grad(false));
  for (size_t level = 0; level < pyramid_.size(); ++level) {
    const Level parts = {vgg_, pyramid_[level]};
    const Tensors values = networks::Recomputed(
        {generated}, /*parameters=*/{},
        [parts, of_real = DescribeReal(parts, real)](const Tensors& inputs) {
          return Compare(parts, inputs[0], of_real);
        });
    for (size_t layer = 0; layer < values.size(); ++layer) {
      const torch::Tensor& value = values[layer];
      output.total = output.total + options_.layer_weights[layer] * value;
      output.terms.push_back(
          {options_.scales[level], static_cast<int>(layer), value.detach()});
    }
  }
  return output;
}

}  // namespace losses
