// Which driving frame relative motion starts from.
//
// Relative motion assumes that the source and the driving figure are in the
// same pose there. The frame that is most like the source is a better guess
// than the first; the video then plays from it in both directions: its time
// order does not change.
#ifndef PIPELINES_ANIMATION_START_FRAME_H_
#define PIPELINES_ANIMATION_START_FRAME_H_

#include <torch/types.h>

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"

namespace pipelines {

struct StartFrame {
  enum class By {
    kNumber,     // the frame `number`
    kKeypoints,  // keypoints::NormalisedDistances is least
    kAlignment,  // keypoints::AlignedDistances is least: rotation does not
                 // count
  };
  By by = By::kNumber;
  int64_t number = 0;

  // The first frame, which takes no look ahead.
  bool is_first() const { return by == By::kNumber && number == 0; }
};

// "first", "keypoints", "alignment" or a frame's number, from 0.
// InvalidArgument for anything else.
absl::StatusOr<StartFrame> ParseStartFrame(const std::string& text);

// The number of the frame to start from. source: [1, P, 2], driving:
// [N, P, 2], all frames. OutOfRange if there are fewer frames than that.
absl::StatusOr<int64_t> ChooseStartFrame(const StartFrame& start,
                                         const torch::Tensor& source,
                                         const torch::Tensor& driving);

}  // namespace pipelines

#endif  // PIPELINES_ANIMATION_START_FRAME_H_
