// Several videos beside each other in one.
#ifndef PIPELINES_ANIMATION_COMPARISON_H_
#define PIPELINES_ANIMATION_COMPARISON_H_

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "opencv2/core.hpp"
#include "pipelines/base/work_hooks.h"
#include "pipelines/media/frame_source.h"

namespace pipelines {

// For media::FrameSourceOptions::min_stacked_frames: a result is one picture,
// however wide it is, and no row of frames.
inline constexpr int kNoStackedFrames = std::numeric_limits<int>::max();

struct ComparisonOptions {
  cv::Size tile = {256, 256};  // each video's frames are cropped to its aspect
  int columns = 0;             // 0: see DefaultColumns
  // How the first video is read, except `stop`, which is that of the hooks.
  media::FrameSourceOptions first;
  int64_t max_frames = 0;  // 0: all
  bool overwrite = false;  // whether an output that exists is replaced
  WorkHooks hooks;
};

struct ComparisonReport {
  int64_t frames = 0;
  // For the user, each naming its file: what of the first video was lost, or
  // how its sound was changed.
  std::vector<std::string> warnings;
};

// Plays `videos` together in a grid, row by row, into `output`, with the frame
// times and the sound of the first one. Of each other one the frame is shown
// that has the same time from its beginning; of a folder of images, which has
// no times, the one of the same number. One that ends before the first keeps
// its last frame, and a picture is one frame, but for the first, of which
// options.first decides. The comment of `output` has the names of the videos,
// without their folders. Cancelled, without an output, if hooks.stop asks to
// end; the errors of networks::files::CheckOutputs, OpenFrameSource and
// OpenFrameSink.
absl::StatusOr<ComparisonReport> WriteComparison(
    const std::vector<std::string>& videos, const std::string& output,
    const ComparisonOptions& options);

// The names of the videos that the comparison at `path` shows, by its comment;
// empty for what WriteComparison did not write.
std::optional<std::vector<std::string>> ComparedNames(const std::string& path);

}  // namespace pipelines

#endif  // PIPELINES_ANIMATION_COMPARISON_H_
