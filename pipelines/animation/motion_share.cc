#include "pipelines/animation/motion_share.h"

#include "networks/sampling.h"

namespace pipelines {

void ShowShare(const torch::Tensor& share, networks::DenseMotionOutput* blend) {
  const torch::Tensor& field = blend->source_from_driving;  // [B, h, w, 2]
  const int64_t height = field.size(1), width = field.size(2);
  const torch::Tensor rest =
      networks::CoordinateGrid(height, width, field.options());
  const torch::Tensor of_field =
      networks::ResizeBilinear(share, height, width).permute({0, 2, 3, 1});
  blend->source_from_driving = rest + of_field * (field - rest);
  for (torch::Tensor& map : blend->occlusion_maps) {  // [B, 1, ., .]
    map = 1 -
          networks::ResizeBilinear(share, map.size(2), map.size(3)) * (1 - map);
  }
}

}  // namespace pipelines
