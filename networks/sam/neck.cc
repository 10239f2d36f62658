#include "networks/sam/neck.h"

#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/conv.h>
#include <torch/types.h>

#include "networks/sam/layer_norm_2d.h"

namespace networks::sam {

torch::nn::Sequential Neck(int64_t in, int64_t out) {
  return torch::nn::Sequential(
      torch::nn::Conv2d(torch::nn::Conv2dOptions(in, out, 1).bias(false)),
      LayerNorm2d(out),
      torch::nn::Conv2d(
          torch::nn::Conv2dOptions(out, out, 3).padding(1).bias(false)),
      LayerNorm2d(out));
}

}  // namespace networks::sam
