#include "networks/transformer/feed_forward.h"

#include <torch/nn/module.h>
#include <torch/nn/modules/linear.h>
#include <torch/types.h>

namespace networks::transformer {

using torch::Tensor;

FeedForwardImpl::FeedForwardImpl(const FeedForwardOptions& options)
    : activation_(options.activation),
      first_(register_module(
          options.first_name,
          torch::nn::Linear(options.channels, options.hidden_channels))),
      second_(register_module(
          options.second_name,
          torch::nn::Linear(options.hidden_channels, options.channels))) {}

Tensor FeedForwardImpl::forward(const Tensor& tokens) {
  const Tensor hidden = Project(first_, tokens);
  return Project(second_, activation_ == Activation::kGelu ? torch::gelu(hidden)
                                                           : hidden.relu());
}

Tensor Project(torch::nn::Linear& layer, const Tensor& tokens) {
  return layer->forward(tokens.to(layer->weight.scalar_type()));
}

void MultiplyIn(torch::Dtype dtype, torch::nn::Module& module) {
  for (const auto& child : module.modules(/*include_self=*/true)) {
    if (auto* linear = child->as<torch::nn::Linear>()) linear->to(dtype);
  }
}

}  // namespace networks::transformer
