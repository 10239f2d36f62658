// Smoothing of whole tracks of keypoints without delay, for videos that are
// known from their first to their last frame.
//
// A live camera has no later frames: keypoints/one_euro_filter.h serves it.
#ifndef KEYPOINTS_ZERO_PHASE_FILTER_H_
#define KEYPOINTS_ZERO_PHASE_FILTER_H_

#include <torch/types.h>

#include <vector>

namespace keypoints {

struct ZeroPhaseOptions {
  // Hz of which half passes where nothing moves; lower is steadier. Above 0.
  double min_cutoff = 1;
  // Hz that the cutoff rises for each unit of speed (keypoint units a second),
  // so that fast motion keeps its height. 0 or more.
  double speed_gain = 20;
};

// For each keypoint the track y that minimises
//
//   integral |y - x|^2 + (2 pi c)^-4 |y''|^2 dt
//
// of the detected track x, c being the cutoff in Hz at that time: the sum of
// squares at the frames, and second differences over their times. At a constant
// frame rate and cutoff this is a second-order Butterworth filter run forward
// and then backward: 1 / (1 + (f / c)^4) of the frequency f passes, without
// delay, and the ends need no made-up frames. Therefore:
//
//   (1) a constant track and one of constant velocity come back as they are
//   (2) the track reversed in time gives the result reversed in time
//   (3) moving, turning or scaling all times or the origin does the same to
//       the result; x and y of a keypoint have one cutoff
//
// c = min_cutoff + speed_gain * speed, as of the one-euro filter, where the
// speed is the root of the mean square over about a second of the velocity
// below 6 Hz: what swings fast counts as fast, jitter hardly does.
//
// tracks:  [N, ..., 2], N frames, any device. seconds: the N times; a frame
//          that is not later than the one before counts as 1 ms later.
// Returns  as `tracks`, without a gradient; these themselves where N < 3.
//          Computed in float64, in time and memory linear in N.
//
// Options outside the ranges above, another number of times: TORCH_CHECK.
// Source: the dual form of [Reinsch], with differences instead of splines.
torch::Tensor SmoothZeroPhase(const torch::Tensor& tracks,
                              const std::vector<double>& seconds,
                              const ZeroPhaseOptions& options);

}  // namespace keypoints

#endif  // KEYPOINTS_ZERO_PHASE_FILTER_H_
