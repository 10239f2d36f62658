// Weights as the product of kernels.h reads them.
#ifndef NETWORKS_CPU_WEIGHT_PANELS_H_
#define NETWORKS_CPU_WEIGHT_PANELS_H_

#include <torch/types.h>

#include <cstdint>

namespace networks::cpu {

// TORCH_CHECK: `weight` is [C', C, k, k] with odd k; the message names `who`.
void CheckSquareWeight(const char* who, const torch::Tensor& weight);

// Likewise that it is [C', C, 3, 3].
void Check3x3Weight(const char* who, const torch::Tensor& weight);

// A matrix [D, N] in panels of `panel_width` columns, the last filled up with
// zeros: [panels, D, panel_width], contiguous, without autograd. The matrix is
// `weight`, float32 and of any strides, with the first `row_dims` of its
// dimensions taken together as its rows and the others as its columns. Needs no
// memory but the result's.
torch::Tensor PackPanels(const torch::Tensor& weight, int64_t row_dims,
                         int64_t panel_width);

// Of a 3x3 weight [C', C, 3, 3], float32 and of any strides, what leads from
// input `channel` to the outputs: [9, C'].
void CopyTaps(const torch::Tensor& weight, int64_t channel, float* taps);

}  // namespace networks::cpu

#endif  // NETWORKS_CPU_WEIGHT_PANELS_H_
