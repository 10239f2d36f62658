#include "networks/cpu/weight_panels.h"

#include <torch/torch.h>

#include "networks/cpu/huge_pages.h"

namespace networks::cpu {

void CheckSquareWeight(const char* who, const torch::Tensor& weight) {
  TORCH_CHECK(weight.dim() == 4 && weight.size(3) == weight.size(2) &&
                  weight.size(2) % 2 == 1,
              who, ": weight must be [C', C, k, k] with odd k, is ",
              weight.sizes());
}

torch::Tensor PackPanels(const torch::Tensor& matrix, int64_t panel_width) {
  const int64_t columns = matrix.size(1);
  const int64_t padded =
      (columns + panel_width - 1) / panel_width * panel_width;
  const torch::Tensor panels =
      torch::constant_pad_nd(matrix.detach(), {0, padded - columns})
          .reshape({matrix.size(0), -1, panel_width})
          .permute({1, 0, 2});
  return EmptyInHugePages(panels.sizes(), torch::kFloat32).copy_(panels);
}

}  // namespace networks::cpu
