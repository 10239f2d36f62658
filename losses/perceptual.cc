#include "losses/perceptual.h"

#include <torch/nn/modules/container/modulelist.h>
#include <torch/types.h>
#include <torch/utils.h>

namespace losses {

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
  using Features = std::array<torch::Tensor, networks::Vgg19Impl::kNumSlices>;
  PerceptualOutput output;
  output.total = torch::zeros({}, generated.options().requires_grad(false));
  for (size_t level = 0; level < pyramid_.size(); ++level) {
    const Features of_generated = vgg_(pyramid_[level](generated));
    Features of_real;
    {
      torch::NoGradGuard no_grad;
      of_real = vgg_(pyramid_[level](real));
    }
    for (size_t layer = 0; layer < of_real.size(); ++layer) {
      const torch::Tensor value =
          torch::l1_loss(of_generated[layer], of_real[layer]);
      output.total = output.total + options_.layer_weights[layer] * value;
      output.terms.push_back(
          {options_.scales[level], static_cast<int>(layer), value.detach()});
    }
  }
  return output;
}

}  // namespace losses
