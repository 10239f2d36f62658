// What the headers of image files say, read without decoding: OpenCV decodes
// a truncated JPEG to an image whose rest is grey, and takes memory for
// whatever size a header claims.
#ifndef PIPELINES_MEDIA_FORMATS_IMAGE_HEADER_H_
#define PIPELINES_MEDIA_FORMATS_IMAGE_HEADER_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "opencv2/core.hpp"

namespace pipelines::media {

enum class ImageFormat { kNone, kPng, kJpeg, kBmp, kWebp, kTiff, kOther };

// By the first 16 bytes. kOther: a format that OpenCV reads and of which this
// file knows the size only.
ImageFormat DetectImageFormat(std::string_view bytes);

// Whether `bytes` begin like a PNG of several frames, which FFmpeg reads as a
// video.
bool IsAnimatedPng(std::string_view bytes);

// Whether `bytes` begin like a PNG and do not tell yet whether it is animated:
// profiles and texts of any length may stand in front.
bool EndsBeforeFramesOfPng(std::string_view bytes);

// Whether `bytes` (the first 32 of a file are enough) begin like a WebP of
// several frames, which webp_source.h reads.
bool IsAnimatedWebp(std::string_view bytes);

// [EXIF] Of the content of a WebP: 1 to 8, 1 where it states none.
int ReadWebpOrientation(std::string_view bytes);

// The same of a PNG, of which the chunks before the picture are enough.
int ReadPngOrientation(std::string_view bytes);

struct ImageHeader {
  cv::Size size;             // as stored, before any EXIF rotation
  int orientation = 1;       // [EXIF] 1 to 8
  int bytes_per_sample = 1;  // as the decoder returns them: 2 for 16 bits
  bool has_alpha = false;    // of PNG, WebP, TIFF, BMP and JPEG 2000
  // The grey that cannot be seen, of samples as the decoder returns them, which
  // gives no alpha of a grey PNG.
  std::optional<int> transparent_grey;
  // Whether the decoder returns colours multiplied by alpha.
  bool is_premultiplied = false;
  // What the decoder takes beside the pixels: a strip or tile of a TIFF.
  int64_t buffer_bytes = 0;
};

// Where a header states a size several times, the decoder's choice or the
// largest counts.
//
// InvalidArgument, with `name`, for another format, which is named where it is
// known (see refused_formats.h), when no size can be found, when the file ends
// before its format's end mark, when (PNG) a checksum is wrong, for an animated
// WebP, and for what the decoder reads wrongly: a TIFF with alpha that is no
// RGB of 8 or 16 bits, one of more than 8 bits whose white is 0 or whose
// colours are stored apart, one of numbers with a sign, a BMP of another order
// of colours than B, G, R, a JPEG 2000 of grey with alpha or of other colours
// than sRGB and grey, a PNM whose largest value is not that of its bytes, and a
// PAM.
absl::StatusOr<ImageHeader> ReadImageHeader(std::string_view bytes,
                                            const std::string& name);

}  // namespace pipelines::media

#endif  // PIPELINES_MEDIA_FORMATS_IMAGE_HEADER_H_
