// Showing only a share of a motion, pixel by pixel.
#ifndef PIPELINES_ANIMATION_MOTION_SHARE_H_
#define PIPELINES_ANIMATION_MOTION_SHARE_H_

#include <torch/types.h>

#include "networks/dense_motion.h"

namespace pipelines {

// Fades `blend` to rest: with the share s of a pixel, the point p that it comes
// from becomes identity + s (p - identity), and 1 - visibility becomes
// s (1 - visibility). Where s is 0 the inpainting network's frame is the
// source, since it shows a source that is visible and does not move as it is:
// exactly where s is 0 for a whole pixel of the motion's resolution, and in the
// outermost pixels wherever s is 0 there.
//
// share: [1, 1, H, W] in [0, 1], for all frames of the batch; sampled at the
// size of each map with align_corners(true).
void ShowShare(const torch::Tensor& share, networks::DenseMotionOutput* blend);

}  // namespace pipelines

#endif  // PIPELINES_ANIMATION_MOTION_SHARE_H_
