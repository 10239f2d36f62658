#include "networks/channels_last.h"

#include <torch/nn/module.h>
#include <torch/types.h>
#include <torch/utils.h>

namespace networks {

void PutChannelsLast(const torch::nn::Module& module) {
  const torch::NoGradGuard no_grad;
  for (torch::Tensor& parameter : module.parameters()) {
    if (parameter.dim() != 4) continue;
    parameter.set_data(parameter.contiguous(torch::MemoryFormat::ChannelsLast));
  }
}

}  // namespace networks
