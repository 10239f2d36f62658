// The order of a network's weights in memory.
#ifndef NETWORKS_CHANNELS_LAST_H_
#define NETWORKS_CHANNELS_LAST_H_

#include <torch/nn/module.h>

namespace networks {

// Puts the channels of the weights of `module`'s convolutions (all parameters
// of four dimensions) innermost in memory, as torch.nn.Module.to(memory_format=
// torch.channels_last) does: their values, shapes and names stay.
void PutChannelsLast(const torch::nn::Module& module);

}  // namespace networks

#endif  // NETWORKS_CHANNELS_LAST_H_
