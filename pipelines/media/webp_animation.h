// What an animated WebP consists of, read without decoding. Private to this
// folder: webp_source.h makes frames of it. The WebP Container Specification
// has the chunks, under "Animation".
#ifndef PIPELINES_MEDIA_WEBP_ANIMATION_H_
#define PIPELINES_MEDIA_WEBP_ANIMATION_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "opencv2/core.hpp"

namespace pipelines::media {

// In milliseconds. What states less is shown for a tenth of a second by
// browsers, which take it for a mistake.
inline constexpr int kShortestWebpFrame = 11;

// One picture, drawn into a part of what the picture before it left.
struct WebpFrame {
  cv::Rect place;        // within the canvas
  int milliseconds = 0;  // as stated: 0 where it states none
  bool blends = false;   // over what is there, by its alpha; else in its place
  bool is_cleared = false;  // its place is transparent for the next frame
  bool has_alpha = false;   // may be transparent
  std::string_view chunks;  // "ALPH", "VP8 " and "VP8L", as in the file
};

// Refers to the bytes that it was read from.
struct WebpAnimation {
  cv::Size canvas;
  int orientation = 1;       // [EXIF] 1 to 8, of the whole canvas
  std::string_view profile;  // the chunk "ICCP" with its head, or empty
  std::vector<WebpFrame> frames;

  // DataLoss where what follows `frames` is missing or damaged: the file is
  // shorter than it says, or a frame lies outside the canvas.
  absl::Status end;
};

// Reads the content of a file for which IsAnimatedWebp holds; `name` stands in
// messages. InvalidArgument if it states no canvas.
absl::StatusOr<WebpAnimation> ReadWebpAnimation(std::string_view bytes,
                                                const std::string& name);

// Makes the last frame of the WebP of this content, whole and as ours are,
// last as long as is left of `milliseconds` for all frames. Leaves it as it is
// where nothing is left, and where the picture does not move.
void SetWebpDuration(int64_t milliseconds, std::string* webp);

// `frame` of `animation` as the content of a still WebP.
std::string StillOf(const WebpAnimation& animation, const WebpFrame& frame);

}  // namespace pipelines::media

#endif  // PIPELINES_MEDIA_WEBP_ANIMATION_H_
