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

  // Lets training begin at a regular layout. As initialised, the network's last
  // layer puts keypoints anywhere, some sets of them all but on one spot, from
  // which no motion can be inferred and whose gradients explode. After this,
  // every set is a point and a regular polygon around it, of radius
  // 0.6 `spread`, with the sets' centres evenly in [-spread, spread]^2
  // (Roberts' R2 sequence); what the image says moves them by a tenth of what
  // it did. `spread` in (0, 0.6]: all keypoints are inside the image.
  void SpreadKeypoints(double spread);

 private:
  int64_t per_transform_;
  int64_t num_keypoints_;
  networks::ResNet18 fg_encoder_;
};
TORCH_MODULE(KeypointDetector);

}  // namespace keypoints

#endif  // KEYPOINTS_DETECTOR_H_
