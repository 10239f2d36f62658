// The paper's keypoint detector: coordinates are regressed from features of the
// whole image.
//
// Source: [CPABMM] keypoint detector, KPDetector in
// modules/keypoint_detector.py of its code; from [TPS].
#ifndef KEYPOINTS_REGRESSION_DETECTOR_H_
#define KEYPOINTS_REGRESSION_DETECTOR_H_

#include <torch/nn/pimpl.h>
#include <torch/types.h>

#include <cstdint>

#include "keypoints/detector.h"
#include "networks/resnet.h"

namespace keypoints {

// image -> ResNet-18 -> 2 sigmoid - 1.
//
// Parameters: `fg_encoder.` + ResNet-18, as in the original's checkpoints.
class RegressionDetectorImpl : public KeypointDetector {
 public:
  // `width`: channels of the ResNet-18's first stage.
  explicit RegressionDetectorImpl(int64_t num_transforms,
                                  int64_t keypoints_per_transform = 5,
                                  int64_t width = 64);

  torch::Tensor forward(const torch::Tensor& image) override;

 private:
  void BeginAt(const torch::Tensor& layout, double image_share) override;

  networks::ResNet18 fg_encoder_;
};
TORCH_MODULE(RegressionDetector);

}  // namespace keypoints

#endif  // KEYPOINTS_REGRESSION_DETECTOR_H_
