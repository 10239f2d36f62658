// Weights as the product of kernels.h reads them.
#ifndef NETWORKS_CPU_WEIGHT_PANELS_H_
#define NETWORKS_CPU_WEIGHT_PANELS_H_

#include <torch/types.h>

namespace networks::cpu {

// TORCH_CHECK: `weight` is [C', C, k, k] with odd k; the message names `who`.
void CheckSquareWeight(const char* who, const torch::Tensor& weight);

// The columns of `matrix` [D, N] in panels of `panel_width` columns, the last
// filled up with zeros: [panels, D, panel_width], contiguous, without autograd.
torch::Tensor PackPanels(const torch::Tensor& matrix, int64_t panel_width);

}  // namespace networks::cpu

#endif  // NETWORKS_CPU_WEIGHT_PANELS_H_
