// Clips of every kind, made anew, and files that hold none: what damaged_clips
// damages.
//
// Tested by tools/reliability/media_trials_test.sh: damaged_clips reads each
// whole one before the first trial.
#ifndef TOOLS_RELIABILITY_CLIP_SEEDS_H_
#define TOOLS_RELIABILITY_CLIP_SEEDS_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "opencv2/core.hpp"

namespace reliability {

struct ClipSeed {
  // Bytes of a file: its name for users, as ".mp4, 96x64, 25/1", and the rest.
  std::string kind;
  std::string bytes;

  // Frames; 0 for a file of which none can be read.
  size_t num_frames = 0;
  size_t num_with_alpha = 0;

  // Of each frame as it is shown.
  cv::Size size;

  // The index by which NumberedFrame made each frame; empty where it did not.
  std::vector<int> numbers;

  // Frames are shown a quarter clockwise of how NumberedFrame made them.
  bool is_turned = false;

  // Where B frames lie to which no other frame refers; of some kinds only.
  struct Piece {
    size_t begin = 0;
    size_t size = 0;
  };
  std::vector<Piece> b_frames;
};

// In the order of their trials. Files on the way lie in `folder`. The errors of
// VideoWriter; FailedPrecondition where its encoder makes no B frames.
absl::StatusOr<std::vector<ClipSeed>> MakeClipSeeds(const std::string& folder);

}  // namespace reliability

#endif  // TOOLS_RELIABILITY_CLIP_SEEDS_H_
