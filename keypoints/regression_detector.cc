#include "keypoints/regression_detector.h"

#include <torch/types.h>

#include "networks/layers.h"

namespace keypoints {

RegressionDetectorImpl::RegressionDetectorImpl(int64_t num_transforms,
                                               int64_t keypoints_per_transform,
                                               int64_t width)
    : KeypointDetector(num_transforms, keypoints_per_transform),
      fg_encoder_(register_module(
          "fg_encoder",
          networks::ResNet18(/*in_channels=*/3, 2 * num_keypoints(), width))) {}

torch::Tensor RegressionDetectorImpl::forward(const torch::Tensor& image) {
  return (networks::Sigmoid(fg_encoder_(image)) * 2 - 1)
      .view({-1, num_keypoints(), 2});
}

void RegressionDetectorImpl::BeginAt(const torch::Tensor& layout,
                                     double image_share) {
  fg_encoder_->fc()->weight.mul_(image_share);
  // forward(bias) is the layout.
  fg_encoder_->fc()->bias.copy_(((layout + 1) / 2).logit().flatten());
}

}  // namespace keypoints
