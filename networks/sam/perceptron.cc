#include "networks/sam/perceptron.h"

#include <torch/nn/modules/linear.h>
#include <torch/types.h>

namespace networks::sam {

using torch::Tensor;

PerceptronImpl::PerceptronImpl(int64_t in_channels, int64_t hidden_channels,
                               int64_t out_channels)
    : layers_(torch::nn::Linear(in_channels, hidden_channels),
              torch::nn::Linear(hidden_channels, hidden_channels),
              torch::nn::Linear(hidden_channels, out_channels)) {
  register_module("layers", layers_);
}

Tensor PerceptronImpl::forward(const Tensor& input) {
  Tensor output = input;
  for (size_t layer = 0; layer < layers_->size(); ++layer) {
    if (layer > 0) output = output.relu();
    output = layers_->ptr<torch::nn::LinearImpl>(layer)->forward(output);
  }
  return output;
}

}  // namespace networks::sam
