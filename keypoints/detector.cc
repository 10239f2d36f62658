#include "keypoints/detector.h"

#include <torch/torch.h>

namespace keypoints {

KeypointDetectorImpl::KeypointDetectorImpl(int64_t num_transforms,
                                           int64_t keypoints_per_transform,
                                           int64_t width)
    : num_keypoints_(num_transforms * keypoints_per_transform),
      fg_encoder_(register_module(
          "fg_encoder",
          networks::ResNet18(/*in_channels=*/3, 2 * num_keypoints_, width))) {}

torch::Tensor KeypointDetectorImpl::forward(const torch::Tensor& image) {
  return (fg_encoder_(image).sigmoid() * 2 - 1).view({-1, num_keypoints_, 2});
}

}  // namespace keypoints
