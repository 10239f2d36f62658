// Still images between files and memory.
//
// In memory an image is a cv::Mat, CV_8UC3, in the order R, G, B (OpenCV's own
// functions expect B, G, R), rows from the top, upright as a viewer shows it.
#ifndef PIPELINES_MEDIA_IMAGE_IO_H_
#define PIPELINES_MEDIA_IMAGE_IO_H_

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "opencv2/core.hpp"

namespace pipelines::media {

// Memory that reading one image may take, with all copies that are held at a
// time: what needs more by its header is refused before memory is taken. It is
// enough for the largest photographs of phones, 200 million pixels, also where
// they have to be turned.
inline constexpr int64_t kMaxImageBytes = int64_t{5} << 28;  // 1.25 GiB

// What a file may unpack to whatever its size is: 8192x8192 pixels of RGB.
// Beyond that, at most kMaxUnpacking times the file: pictures of cameras and
// scanners stay far below, plain areas that are made to fill memory do not.
inline constexpr int64_t kMaxUnpackedBytes = int64_t{3} << 26;  // 192 MiB
inline constexpr int64_t kMaxUnpacking = 1000;

// As much of the beginning of the file at `path` as LooksLikeImage and
// LooksLikeMovingImage need. The errors of networks::files::ReadFile.
absl::StatusOr<std::string> ReadImageHead(const std::string& path);

// Whether `bytes`, the beginning of a file, begin like a still image. An
// animated GIF, PNG or WebP does not count: frame_source.h reads it.
bool LooksLikeImage(std::string_view bytes);

// Whether they begin like a PNG or WebP of several frames, which has the ending
// of a still image.
bool LooksLikeMovingImage(std::string_view bytes);

// The content of the file at `path`, which is not empty and not larger than
// what DecodeImage takes. `stop` is that of networks::files::ReadOptions. The
// errors of networks::files::ReadNonEmptyFile; InvalidArgument if it begins
// like no picture, unless it is a pipe.
absl::StatusOr<std::string> ReadImageFile(
    const std::string& path, const std::function<bool()>& stop = {});

// Reads the image at `path`, whatever its name says: PNG, JPEG, BMP, WebP,
// TIFF, PNM (but PAM) and what else OpenCV decodes. Grey becomes RGB, what is
// transparent (in PNG, WebP, TIFF, BMP and JPEG 2000) becomes white, 16 bits
// are rounded to 8, the EXIF orientation is applied, and so are colour profiles
// (image_colours.h): the result is sRGB.
//
// NotFound or PermissionDenied when the file cannot be opened; InvalidArgument
// when it is empty, no image, damaged, truncated, needs more than
// kMaxImageBytes, or unpacks to more than is allowed above; Cancelled by
// `stop`, as ReadImageFile. Every message names the path.
absl::StatusOr<cv::Mat> ReadImage(const std::string& path,
                                  const std::function<bool()>& stop = {});

// An image as ReadImage returns it, and what it can be seen through by.
struct ImageWithAlpha {
  cv::Mat rgb;    // over white
  cv::Mat alpha;  // CV_8UC1, rounded from 16 bits; empty where all is opaque
};
absl::StatusOr<ImageWithAlpha> ReadImageWithAlpha(const std::string& path);
absl::StatusOr<ImageWithAlpha> DecodeImageWithAlpha(std::string_view bytes,
                                                    const std::string& name);

// ReadImage for the content of a file; `name` stands in messages for the path.
absl::StatusOr<cv::Mat> DecodeImage(std::string_view bytes,
                                    const std::string& name);

// Size of the image as ReadImage returns it, from the header alone. Checks
// what can be checked without decoding: that the file reaches its own end.
absl::StatusOr<cv::Size> ProbeImage(std::string_view bytes,
                                    const std::string& name);

// InvalidArgument, with `name`, where no image of `ending` has this size: the
// sides of a WebP are at most 16383 pixels, and those of a JPEG 65500.
absl::Status CheckImageSize(cv::Size size, std::string_view ending,
                            const std::string& name);

// The content of an image file of `rgb` (CV_8UC3 RGB, CV_8UC1 grey, or CV_8UC4
// RGBA where HoldsAlpha): PNG, JPEG (quality 95) or whatever else OpenCV
// encodes, by `ending` (".png"). InvalidArgument, with `name`, for an ending
// without an encoder, and for alpha or a size that it cannot hold.
// A PNG states that it is sRGB, and carries `comment`, if there is one, as the
// text "Comment"; a JPEG has it as a comment, a WebP as a description in XMP;
// other formats leave it out.
absl::StatusOr<std::string> EncodeImage(const cv::Mat& rgb,
                                        const std::string& ending,
                                        const std::string& name,
                                        std::string_view comment = {});

// `stored` as it is to be seen by its EXIF orientation, 1 to 8: 5 to 8 swap
// rows and columns. Any type; shares memory with `stored` for 1.
cv::Mat Upright(const cv::Mat& stored, int orientation);

// Whether images of this ending are written with alpha: .png, .webp.
bool HoldsAlpha(std::string_view ending);

// Writes EncodeImage by the ending of `path` (networks/files/atomic_file.h), in
// place of what is there.
absl::Status WriteImage(const std::string& path, const cv::Mat& rgb,
                        std::string_view comment = {});

// The largest centred part of `rgb` with the aspect of `size`, scaled to
// `size`: by area when it shrinks, by cubic interpolation when it grows. Shares
// memory with `rgb` when nothing is to do.
cv::Mat CropAndResize(const cv::Mat& rgb, cv::Size size);

// `picture` scaled to `size` whatever its aspect: by area when both sides
// shrink, else by cubic interpolation. Shares no memory with it.
cv::Mat Resized(const cv::Mat& picture, cv::Size size);

}  // namespace pipelines::media

#endif  // PIPELINES_MEDIA_IMAGE_IO_H_
