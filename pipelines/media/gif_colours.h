// The colours of a GIF: a palette for many frames, and the frames by it.
// Private to this folder: video_writer.h uses it.
#ifndef PIPELINES_MEDIA_GIF_COLOURS_H_
#define PIPELINES_MEDIA_GIF_COLOURS_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "absl/status/status.h"
#include "opencv2/core.hpp"
#include "pipelines/media/ffmpeg_util.h"

namespace pipelines::media {

// Frames that wait for their common palette: 255 colours by FFmpeg's filters
// palettegen and paletteuse, one for transparency. Dither is ordered: it
// depends on a pixel's place and colour alone, so that what does not move does
// not flicker.
class GifColours {
 public:
  // What may wait: 27 s of 25 frames of 256x256 a second.
  static constexpr size_t kMaxBytes = size_t{128} << 20;

  explicit GifColours(size_t max_bytes = kMaxBytes) : max_bytes_(max_bytes) {}

  // Keeps a copy of `rgb`, CV_8UC3; all of one size. Times rise.
  void Push(const cv::Mat& rgb, int64_t pts);

  // Whether the frames take max_bytes: Flush is due.
  bool is_full() const { return num_bytes_ >= max_bytes_; }

  // Gives the frames to `take`, with the times that they came with, in the
  // format AV_PIX_FMT_PAL8, and forgets them. Internal if FFmpeg fails; the
  // error of `take`.
  absl::Status Flush(const std::function<absl::Status(const AVFrame&)>& take);

 private:
  struct Frame {
    cv::Mat rgb;
    int64_t pts;
  };

  size_t max_bytes_;
  size_t num_bytes_ = 0;
  std::vector<Frame> frames_;
};

}  // namespace pipelines::media

#endif  // PIPELINES_MEDIA_GIF_COLOURS_H_
