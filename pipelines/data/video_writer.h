// Video files through FFmpeg's libraries.
//
// .mp4 and .mov: H.264, yuv420p, BT.709, index in front, so that browsers play
// them while they load; where FFmpeg has no H.264 encoder, MPEG-4 part 2, with
// a warning. .webm: VP9.
#ifndef PIPELINES_DATA_VIDEO_WRITER_H_
#define PIPELINES_DATA_VIDEO_WRITER_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "opencv2/core.hpp"
#include "pipelines/data/rational.h"

namespace pipelines::data {

struct VideoWriterOptions {
  // Size of the frames that Write takes. H.264 with 4:2:0 colour needs even
  // sizes: an odd one is padded by repeating its last column or row.
  int width = 0;
  int height = 0;

  // Kept exactly: {30000, 1001} is written as that fraction.
  Rational frame_rate = {25, 1};

  // Unit of WriteAt's pts, in seconds. By default 1 / frame_rate.
  std::optional<Rational> time_base;

  // File whose first audio stream is copied, packet by packet and byte for byte
  // with its time stamps; none if empty. A file without audio, or with a codec
  // that the output's format cannot hold, gives a warning.
  std::string audio_from;

  // Stored in the file as its comment.
  std::string comment;

  // H.264 quality (constant rate factor): 0 lossless, 18 hardly visible loss,
  // 51 worst.
  int crf = 18;

  // Threads for encoding; 0 leaves the choice to the encoder.
  int threads = 0;
};

// Writes to a temporary name beside `path`; Finish() gives the file its name.
// Destroyed before that, it removes the temporary and leaves `path` as it was.
// Not safe for use from two threads at a time.
class VideoWriter {
 public:
  // The format follows from the ending of `path`. InvalidArgument for an
  // unknown ending or a bad option, PermissionDenied or NotFound when the
  // folder cannot be written to.
  static absl::StatusOr<std::unique_ptr<VideoWriter>> Create(
      const std::string& path, const VideoWriterOptions& options);

  ~VideoWriter();

  // Appends a frame one frame period after the one before.
  // rgb: [height, width] CV_8UC3, RGB. ResourceExhausted on a full disk.
  absl::Status Write(const cv::Mat& rgb);

  // Appends a frame that is shown from `pts` for `duration`, both in units of
  // options.time_base. pts must rise strictly. Do not mix with Write.
  absl::Status WriteAt(const cv::Mat& rgb, int64_t pts, int64_t duration);

  // Completes the file. Without it nothing appears at `path`.
  absl::Status Finish();

  // The encoder in use, by FFmpeg's name: "libx264".
  const std::string& encoder() const;

  // What the caller should tell the user: a fallback encoder, audio left out.
  const std::vector<std::string>& warnings() const;

 private:
  class Impl;
  explicit VideoWriter(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

}  // namespace pipelines::data

#endif  // PIPELINES_DATA_VIDEO_WRITER_H_
