// What a convolution of this folder reads.
#ifndef NETWORKS_CPU_CONVOLUTION_INPUT_H_
#define NETWORKS_CPU_CONVOLUTION_INPUT_H_

#include <torch/types.h>

#include "networks/cpu/pixels.h"

namespace networks::cpu {

struct ConvolutionInput {
  torch::Tensor image;            // [B, C, H, W]
  ChannelAffine activation = {};  // applied first, if defined
  bool upsample = false;          // then doubles the size by repetition
};

}  // namespace networks::cpu

#endif  // NETWORKS_CPU_CONVOLUTION_INPUT_H_
