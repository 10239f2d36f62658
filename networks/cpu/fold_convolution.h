// Convolutions with one output in training on the CPU, as the 7x7 heads of the
// occlusion maps: one product gives what each pixel adds to the k x k outputs
// around it, and these shares are summed. LibTorch's convolutions compute eight
// outputs where one is wanted.
#ifndef NETWORKS_CPU_FOLD_CONVOLUTION_H_
#define NETWORKS_CPU_FOLD_CONVOLUTION_H_

#include <torch/types.h>

namespace networks::cpu {

// Whether FoldConvolution is faster than torch::conv2d: AvailableInTraining(
// image), and one output of a kernel of at least 5x5. weight: [C', C, k, k].
bool FoldConvolutionServes(const torch::Tensor& image,
                           const torch::Tensor& weight);

// Twin: torch::conv2d(image, weight, bias, /*stride=*/1, /*padding=*/k / 2), to
// rounding. image [B, C, H, W] -> [B, C', H, W], float32; weight [C', C, k, k],
// k odd; bias [C']. Differentiable. Takes C' k^2 numbers a pixel while it runs.
torch::Tensor FoldConvolution(const torch::Tensor& image,
                              const torch::Tensor& weight,
                              const torch::Tensor& bias);

}  // namespace networks::cpu

#endif  // NETWORKS_CPU_FOLD_CONVOLUTION_H_
