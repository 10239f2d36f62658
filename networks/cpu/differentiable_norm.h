// Instance normalisation and ReLU in training on the CPU, in channels_last.
#ifndef NETWORKS_CPU_DIFFERENTIABLE_NORM_H_
#define NETWORKS_CPU_DIFFERENTIABLE_NORM_H_

#include <torch/types.h>

namespace networks::cpu {

// Whether DifferentiableInstanceNormRelu serves: with gradients on, float32 on
// a CPU with the vector instructions, no autocast. Not where channels are apart
// in memory: LibTorch's operators are as fast there.
bool ServesInstanceNorm(const torch::Tensor& x);

// Twin: relu(torch::instance_norm(x, weight, bias)), to rounding. x
// [B, C, H, W], weight and bias [C] -> [B, C, H, W], channels_last.
// Differentiable once. Neither the value nor a gradient depends on the number
// of threads.
torch::Tensor DifferentiableInstanceNormRelu(const torch::Tensor& x,
                                             const torch::Tensor& weight,
                                             const torch::Tensor& bias,
                                             double epsilon);

}  // namespace networks::cpu

#endif  // NETWORKS_CPU_DIFFERENTIABLE_NORM_H_
