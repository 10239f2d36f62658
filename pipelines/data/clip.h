// A clip: the frames of one short video in memory, from a folder of images, a
// row of frames in one image, or a video file.
#ifndef PIPELINES_DATA_CLIP_H_
#define PIPELINES_DATA_CLIP_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "opencv2/core.hpp"
#include "pipelines/media/rational.h"

namespace pipelines::data {

struct ClipOptions {
  // Size of the frames, by CropAndResize; as stored if empty.
  std::optional<cv::Size> size;

  // Bytes of decoded frames beyond which a clip is refused, so that a film that
  // was put among the clips does not eat the memory.
  int64_t max_bytes = int64_t{4} << 30;
};

struct Clip {
  std::vector<cv::Mat> frames;  // CV_8UC3 RGB, at least one, all of one size
  media::Rational frame_rate;   // {25, 1} where the source has none

  int64_t num_bytes() const;
};

// What can be said about a clip without decoding it.
struct ClipInfo {
  int num_frames = 0;
  cv::Size size;  // as stored, upright

  // A frame costs the same wherever it stands in the clip: a folder of images.
  bool random_access = false;
};

// Reads the clip at `path`; see OpenFrameSource for what that may be. The
// errors of OpenFrameSource and FrameSource::Next; InvalidArgument when the
// clip needs more than options.max_bytes, or when frames differ in size and
// options.size is empty.
absl::StatusOr<Clip> ReadClip(const std::string& path,
                              const ClipOptions& options = {});

// The frames at `indices` (any order, 0-based), without keeping the others.
// OutOfRange when the clip is shorter.
absl::StatusOr<std::vector<cv::Mat>> ReadClipFrames(
    const std::string& path, absl::Span<const int> indices,
    const ClipOptions& options = {});

// Counts the frames and decodes the first, to find at little cost the clips
// that ReadClip would refuse. Damage inside a frame shows only in ReadClip.
absl::StatusOr<ClipInfo> ProbeClip(const std::string& path);

// The number of the frame that differs most (in L1) from the first one.
int FarthestFrame(const Clip& clip);

}  // namespace pipelines::data

#endif  // PIPELINES_DATA_CLIP_H_
