#include "losses/feature_warp.h"

#include <torch/types.h>

namespace losses {

torch::Tensor WarpLoss(const std::vector<torch::Tensor>& driving_maps,
                       const std::vector<torch::Tensor>& warped_source_maps) {
  const size_t levels = driving_maps.size();
  TORCH_CHECK(levels > 0 && warped_source_maps.size() == levels,
              "WarpLoss: needs as many driving as source maps, has ", levels,
              " and ", warped_source_maps.size());
  torch::Tensor sum = torch::zeros({}, driving_maps[0].options());
  for (size_t i = 0; i < levels; ++i) {
    sum = sum +
          torch::l1_loss(warped_source_maps[levels - 1 - i], driving_maps[i]);
  }
  return sum;
}

}  // namespace losses
