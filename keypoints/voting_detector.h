// The voting keypoint detector: every place in the image predicts the position
// of each keypoint and the weight of its prediction; a keypoint is the weighted
// mean. Not in the paper.
//
// The paper's detector averages features over the image before it computes
// coordinates from them, so it has to learn anew for every place what a hand
// looks like, and a thin limb has little weight in the mean. Here the
// prediction is made where the hand is, and moves with it. After [A2J], on the
// feature pyramid of [FPN].
#ifndef KEYPOINTS_VOTING_DETECTOR_H_
#define KEYPOINTS_VOTING_DETECTOR_H_

#include <torch/nn/pimpl.h>
#include <torch/types.h>

#include <cstdint>
#include <vector>

#include "keypoints/detector.h"
#include "networks/layers.h"
#include "networks/resnet.h"

namespace keypoints {

// ResNet-18's four layers, brought to as many channels by 1x1 convolutions and
// added up from coarse to fine; of the finest, [B, width, H / 4, W / 4],
// every place p has for every keypoint a weight a_p (sharpened softmax over
// places) and an offset o_p:
//
//   keypoint = tanh(sum_p a_p (atanh p + o_p))
//
// The mean is taken of inverse hyperbolic tangents so that keypoints stay
// inside the image wherever the offsets point.
//
// Parameters: `fg_encoder.` + ResNet-18's layers, `lateral.<i>`, `smooth`,
// `votes`.
class VotingDetectorImpl : public KeypointDetector {
 public:
  // `width`: channels of the ResNet-18's first stage.
  explicit VotingDetectorImpl(int64_t num_transforms,
                              int64_t keypoints_per_transform = 5,
                              int64_t width = 64);

  torch::Tensor forward(const torch::Tensor& image) override;

 private:
  void BeginAt(const torch::Tensor& layout, double image_share) override;

  // [B, width, H / 4, W / 4].
  torch::Tensor Pyramid(const torch::Tensor& image);

  networks::ResNet18Layers fg_encoder_;
  std::vector<networks::Conv2d> lateral_;
  networks::Conv2d smooth_;
  // Of each keypoint a weight's logit and an offset (x, y).
  networks::Conv2d votes_;
};
TORCH_MODULE(VotingDetector);

}  // namespace keypoints

#endif  // KEYPOINTS_VOTING_DETECTOR_H_
