// Random changes to a training pair that keep what is to be learnt: where in
// the source each driving pixel comes from.
#ifndef PIPELINES_DATA_AUGMENTATION_H_
#define PIPELINES_DATA_AUGMENTATION_H_

#include "absl/status/status.h"
#include "opencv2/core.hpp"
#include "pipelines/base/random.h"

namespace pipelines::data {

// Everything is off by default. The published configurations of the field use
// flips, and for some sets a colour jitter of 0.1 each.
struct AugmentationOptions {
  // Mirror both frames left to right, with probability 1/2.
  bool horizontal_flip = false;

  // Swap source and driving, with probability 1/2.
  bool time_flip = false;

  // Colour jitter. Brightness, contrast and saturation are scaled by a factor
  // drawn from [max(0, 1 - x), 1 + x]; hue is turned by up to x of a full turn.
  // brightness, contrast, saturation >= 0; hue in [0, 0.5].
  double brightness = 0;
  double contrast = 0;
  double saturation = 0;
  double hue = 0;

  // Both frames are enlarged by one factor drawn from [1, 1 + max_zoom], and
  // cut back to their size at one random place. max_zoom in [0, 1].
  double max_zoom = 0;
};

// InvalidArgument naming the first field that is out of its range.
absl::Status Validate(const AugmentationOptions& options);

// Two frames of one clip, [H, W] CV_8UC3 RGB, of equal size.
struct FramePair {
  cv::Mat source;
  cv::Mat driving;
};

// Draws one set of changes from `random` and applies it to both frames. The
// number of draws does not depend on the options, so that switching one
// augmentation on leaves the draws of the others as they were. The input's
// pixels are not written to.
FramePair Augment(const FramePair& pair, const AugmentationOptions& options,
                  Random& random);

}  // namespace pipelines::data

#endif  // PIPELINES_DATA_AUGMENTATION_H_
