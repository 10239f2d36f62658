// Smoothing of keypoints over time against a detector's jitter.
//
// Source: [1Euro].
#ifndef KEYPOINTS_ONE_EURO_FILTER_H_
#define KEYPOINTS_ONE_EURO_FILTER_H_

#include <torch/types.h>

namespace keypoints {

struct OneEuroOptions {
  // Hz below which motion passes when nothing moves; lower is steadier.
  // Above 0.
  double min_cutoff = 1;
  // Hz that the cutoff rises for each unit of speed (keypoint units a second),
  // so that fast motion does not lag. 0 or more.
  double speed_gain = 20;
  // Hz of the filter on the speed itself. Above 0.
  double speed_cutoff = 1;
};

// The one-euro filter of [1Euro]: a first-order low pass whose cutoff follows
// the speed. Causal, so it serves a live camera too. We take one speed for x
// and y of a keypoint together, so that the result does not depend on the
// direction of motion.
class OneEuroFilter {
 public:
  // Options outside the ranges above are a bug of the caller: TORCH_CHECK.
  explicit OneEuroFilter(const OneEuroOptions& options);

  // keypoints: [..., 2], of one shape in all calls. seconds: the time of this
  // frame; a frame that is not later than the one before counts as 1 ms later.
  // Returns the filtered keypoints; the first ones unchanged.
  torch::Tensor Apply(const torch::Tensor& keypoints, double seconds);

 private:
  OneEuroOptions options_;
  torch::Tensor previous_;  // filtered; undefined before the first call
  torch::Tensor velocity_;  // filtered, units a second
  double seconds_ = 0;
};

}  // namespace keypoints

#endif  // KEYPOINTS_ONE_EURO_FILTER_H_
