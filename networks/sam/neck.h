// The end of SAM's image encoders: from their channels to the mask decoder's.
//
//   conv1x1 -> norm -> conv3x3 -> norm
#ifndef NETWORKS_SAM_NECK_H_
#define NETWORKS_SAM_NECK_H_

#include <torch/nn/modules/container/sequential.h>

#include <cstdint>

namespace networks::sam {

// [B, in, H, W] -> [B, out, H, W].
torch::nn::Sequential Neck(int64_t in, int64_t out);

}  // namespace networks::sam

#endif  // NETWORKS_SAM_NECK_H_
