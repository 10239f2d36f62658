// What the headers of image files say, read without decoding: OpenCV decodes
// a truncated JPEG to an image whose rest is grey, and takes memory for
// whatever size a header claims.
#ifndef PIPELINES_MEDIA_IMAGE_HEADER_H_
#define PIPELINES_MEDIA_IMAGE_HEADER_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "opencv2/core.hpp"

namespace pipelines::data {

enum class ImageFormat { kNone, kPng, kJpeg, kBmp, kWebp, kTiff, kOther };

// By the first 16 bytes. kOther: a format that OpenCV reads and that this file
// knows nothing more of.
ImageFormat DetectImageFormat(std::string_view bytes);

// Size in pixels as stored, before any EXIF rotation; empty for kOther and for
// headers that only the decoder understands. InvalidArgument, with `name`, when
// the file ends before its format's end mark or (PNG) a checksum is wrong.
absl::StatusOr<cv::Size> ReadImageHeader(std::string_view bytes,
                                         const std::string& name);

}  // namespace pipelines::data

#endif  // PIPELINES_MEDIA_IMAGE_HEADER_H_
