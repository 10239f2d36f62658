// The keypoint detector, [CPABMM] Sec. 3.
#ifndef KEYPOINTS_DETECTOR_H_
#define KEYPOINTS_DETECTOR_H_

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>
#include <torch/types.h>

#include <cstdint>

#include "networks/resnet.h"

namespace keypoints {

// image -> ResNet-18 -> 2 sigmoid - 1.
//
// forward: [B, 3, H, W] in [0, 1] -> [B, K * per_transform, 2], (x, y) in
// (-1, 1). Points per_transform * k and following belong to transformation k.
// Parameters: `fg_encoder.` + ResNet-18.
class KeypointDetectorImpl : public torch::nn::Module {
 public:
  // `width`: channels of the ResNet-18's first stage.
  explicit KeypointDetectorImpl(int64_t num_transforms,
                                int64_t keypoints_per_transform = 5,
                                int64_t width = 64);

  torch::Tensor forward(const torch::Tensor& image);

 private:
  int64_t num_keypoints_;
  networks::ResNet18 fg_encoder_;
};
TORCH_MODULE(KeypointDetector);

}  // namespace keypoints

#endif  // KEYPOINTS_DETECTOR_H_
