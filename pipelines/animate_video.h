// Animates a still image by a driving video, file to file.
#ifndef PIPELINES_ANIMATE_VIDEO_H_
#define PIPELINES_ANIMATE_VIDEO_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "pipelines/animator.h"

namespace pipelines {

struct AnimateVideoOptions {
  // Source, driving frame and result beside each other.
  bool side_by_side = false;
  // Frames that go through the networks together.
  int batch_size = 4;
  // Smaller frames of the output are enlarged by a whole factor to at least so
  // many pixels (video players blur small pictures); 0 is off.
  int min_output_side = 0;
  // Frames done so far and, if the driving video tells, all; else 0.
  std::function<void(int64_t done, int64_t total)> progress;
};

struct AnimateVideoReport {
  int64_t frames = 0;
  std::vector<std::string> warnings;  // of the encoder, for the user
};

// Writes an mp4 at `output` with the driving video's exact frame rate, frame
// times and audio. `source` is an image or a clip, of which the first frame is
// taken. Memory does not grow with the video's length. On error, also when a
// stop signal comes (Cancelled), nothing appears at `output`.
//
// The errors of OpenFrameSource and VideoWriter; DataLoss where the driving
// video is damaged, saying where.
absl::StatusOr<AnimateVideoReport> AnimateVideo(
    Animator& animator, const std::string& source, const std::string& driving,
    const std::string& output, const AnimateVideoOptions& options);

}  // namespace pipelines

#endif  // PIPELINES_ANIMATE_VIDEO_H_
