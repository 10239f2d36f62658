// What the headers of image files say, read without decoding: OpenCV decodes
// a truncated JPEG to an image whose rest is grey, and takes memory for
// whatever size a header claims.
#ifndef PIPELINES_MEDIA_IMAGE_HEADER_H_
#define PIPELINES_MEDIA_IMAGE_HEADER_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "opencv2/core.hpp"

namespace pipelines::media {

enum class ImageFormat { kNone, kPng, kJpeg, kBmp, kWebp, kTiff, kOther };

// By the first 16 bytes. kOther: a format that OpenCV reads and of which this
// file knows the size only.
ImageFormat DetectImageFormat(std::string_view bytes);

// Whether `bytes` (the first kilobyte of a file is enough) begin like a PNG of
// several frames, which FFmpeg reads as a video.
bool IsAnimatedPng(std::string_view bytes);

struct ImageHeader {
  cv::Size size;             // as stored, before any EXIF rotation
  int orientation = 1;       // [EXIF] 1 to 8
  int bytes_per_sample = 1;  // as the decoder returns them: 2 for 16 bits
  bool has_alpha = false;    // of PNG and WebP
};

// InvalidArgument, with `name`, when no size can be found, when the file ends
// before its format's end mark, or (PNG) when a checksum is wrong.
absl::StatusOr<ImageHeader> ReadImageHeader(std::string_view bytes,
                                            const std::string& name);

}  // namespace pipelines::media

#endif  // PIPELINES_MEDIA_IMAGE_HEADER_H_
