// What the dense motion network (networks/dense_motion.h) gives, without the
// modules that make it.
#ifndef NETWORKS_DENSE_MOTION_OUTPUT_H_
#define NETWORKS_DENSE_MOTION_OUTPUT_H_

#include <torch/types.h>

#include <vector>

namespace networks {

// h and w are the height and width of the image times
// DenseMotionOptions::scale_factor.
struct DenseMotionOutput {
  // [B, h, w, 2]; [B, H, W, 2] with blend_at_full_size.
  torch::Tensor source_from_driving;
  torch::Tensor contribution_maps;  // [B, M, h, w], sum 1 over M
  torch::Tensor deformed_source;    // [B, M, 3, h, w], one for each candidate
  // [B, 1, ., .] in (0, 1), smallest first; 1 where the source is visible.
  std::vector<torch::Tensor> occlusion_maps;
};

}  // namespace networks

#endif  // NETWORKS_DENSE_MOTION_OUTPUT_H_
