// The weights' gradient of a 3x3 convolution by Winograd's minimal filtering.
//
// With the transforms of networks/cpu/winograd.h, a tile's outputs are
// Y = A^T [ (G g G^T) * (B^T d B) ] A, so the gradient g' of the loss in Y
// gives
//
//   dg = G^T [ sum_tiles (B^T d B) * (A g' A^T) ] G,
//
// 36 products a tile and pair of channels instead of the 144 of the direct
// method.
#ifndef NETWORKS_CPU_WINOGRAD_GRADIENT_H_
#define NETWORKS_CPU_WINOGRAD_GRADIENT_H_

#include <torch/types.h>

#include "networks/cpu/kernels.h"

namespace networks::cpu {

// The gradient in the weights [C', C, 3, 3] of the convolution of `image`
// [B, C, H, W] with zero padding of 1 and stride 1, given the gradient
// `of_output` [B, C', H, W]; both float32 on the CPU, in any layout.
// The sum's order does not depend on the number of threads.
torch::Tensor WinogradWeightGradient(const Kernels& kernels,
                                     const torch::Tensor& image,
                                     const torch::Tensor& of_output);

}  // namespace networks::cpu

#endif  // NETWORKS_CPU_WINOGRAD_GRADIENT_H_
