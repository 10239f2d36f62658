#include "pipelines/media/image_io.h"

#include <zlib.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "networks/files/atomic_file.h"
#include "networks/files/path_parts.h"
#include "networks/files/read_file.h"
#include "opencv2/core/utils/logger.hpp"
#include "opencv2/imgcodecs.hpp"
#include "opencv2/imgproc.hpp"
#include "pipelines/media/colour_profile.h"
#include "pipelines/media/formats/bytes.h"
#include "pipelines/media/formats/image_colours.h"
#include "pipelines/media/formats/image_header.h"
#include "pipelines/media/formats/webp_comment.h"
#include "pipelines/media/transparency.h"
#include "third_party/absl/status_macros.h"

namespace pipelines::media {
namespace {

absl::Status CheckUnpacking(const ImageHeader& header, int64_t unpacked,
                            size_t file_bytes, const std::string& name) {
  if (unpacked <= kMaxUnpackedBytes ||
      unpacked / kMaxUnpacking <= static_cast<int64_t>(file_bytes)) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrCat(
      name, ": ", file_bytes, " bytes claim ", header.size.width, "x",
      header.size.height, " pixels, which take ", unpacked >> 20,
      " MiB: above ", kMaxUnpackedBytes >> 20, " MiB at most ", kMaxUnpacking,
      " times the file is accepted; make the picture smaller"));
}

// Three or four channels as decoded; while they are turned, taken apart or made
// 8 bits, those and the result.
absl::Status CheckSize(const ImageHeader& header, size_t file_bytes,
                       const std::string& name) {
  const int64_t decoded =
      int64_t{header.has_alpha ? 4 : 3} * header.bytes_per_sample;
  const int64_t turned =
      header.orientation > 1 || header.has_alpha ? decoded : 0;
  const int64_t converted = header.bytes_per_sample > 1 ? 3 : 0;
  // No overflow: the sides are below 2^31, so their product is below 2^62.
  const int64_t pixels = int64_t{header.size.width} * header.size.height;
  const int64_t bytes_per_pixel = decoded + std::max(turned, converted);
  const int64_t max_pixels =
      std::max(int64_t{0}, kMaxImageBytes - header.buffer_bytes) /
      bytes_per_pixel;
  if (pixels <= max_pixels) {
    return CheckUnpacking(header, pixels * decoded + header.buffer_bytes,
                          file_bytes, name);
  }
  const double needed =
      static_cast<double>(pixels) * static_cast<double>(bytes_per_pixel) +
      static_cast<double>(header.buffer_bytes);
  return absl::InvalidArgumentError(absl::StrFormat(
      "%s: the header claims %dx%d pixels, which take %.0f MiB to read; at "
      "most %d MiB are accepted; make the picture smaller",
      name, header.size.width, header.size.height,
      std::ceil(needed / (1 << 20)), kMaxImageBytes >> 20));
}

// In place, unlike cv::cvtColor, which copies first.
void SwapRedAndBlue(cv::Mat* image) {
  for (int y = 0; y < image->rows; ++y) {
    auto* const row = image->ptr<cv::Vec3b>(y);
    for (int x = 0; x < image->cols; ++x) std::swap(row[x][0], row[x][2]);
  }
}

// Of light, by the curve of sRGB.
void EncodeLight(cv::Mat* image) {
  for (int y = 0; y < image->rows; ++y) {
    auto* const row = image->ptr<float>(y);
    for (int i = 0; i < image->cols * image->channels(); ++i) {
      row[i] = row[i] <= 0.0031308f
                   ? 12.92f * row[i]
                   : 1.055f * std::pow(row[i], 1 / 2.4f) - 0.055f;
    }
  }
}

// Samples of 16 bits or floats in [0, 1] to 8 bits, rounded.
cv::Mat ToEightBits(const cv::Mat& image) {
  if (image.depth() == CV_8U) return image;
  const double scale = image.depth() == CV_16U ? 255.0 / 65535.0 : 255.0;
  cv::Mat result;
  image.convertTo(result, CV_8U, scale);
  return result;
}

// As stored, but for TIFF, which OpenCV turns upright: [h, w] of 3 channels, or
// 4 with alpha, in the order B, G, R. Empty if OpenCV cannot decode it.
cv::Mat DecodeWithOpenCv(std::string_view bytes, bool with_alpha) {
  // The status says what a user needs; OpenCV would add its log. What it writes
  // to standard error of some damaged files, nothing stops.
  static const bool silenced = [] {
    cv::utils::logging::setLogLevel(cv::utils::logging::LOG_LEVEL_SILENT);
    return true;
  }();
  static_cast<void>(silenced);
  // imdecode wants a matrix but only reads it.
  const cv::Mat buffer(1, static_cast<int>(bytes.size()), CV_8UC1,
                       const_cast<char*>(bytes.data()));
  // OpenCV's versions differ in what they turn by EXIF.
  const int flags = with_alpha ? cv::IMREAD_UNCHANGED
                               : cv::IMREAD_COLOR | cv::IMREAD_ANYDEPTH |
                                     cv::IMREAD_IGNORE_ORIENTATION;
  try {
    return cv::imdecode(buffer, flags);
  } catch (const cv::Exception&) {
    return cv::Mat();
  }
}

// Colours that are multiplied by alpha, in channel 3, as they were before.
template <typename Pixel>
void DivideByAlpha(cv::Mat* image) {
  using Value = typename Pixel::value_type;
  constexpr uint32_t kMost = std::numeric_limits<Value>::max();
  for (int y = 0; y < image->rows; ++y) {
    auto* const row = image->ptr<Pixel>(y);
    for (int x = 0; x < image->cols; ++x) {
      const uint32_t alpha = row[x][3];
      if (alpha == 0 || alpha == kMost) continue;
      for (int c = 0; c < 3; ++c) {
        const uint32_t colour = (row[x][c] * kMost + alpha / 2) / alpha;
        row[x][c] = static_cast<Value>(std::min(colour, kMost));
      }
    }
  }
}

void Unmultiply(cv::Mat* image) {
  if (image->type() == CV_8UC4) DivideByAlpha<cv::Vec4b>(image);
  if (image->type() == CV_16UC4) DivideByAlpha<cv::Vec4w>(image);
}

// Takes the alpha channel off `image`, or finds it by `transparent_grey`; empty
// where there is none. Grey becomes three channels.
cv::Mat SplitAlpha(std::optional<int> transparent_grey, cv::Mat* image) {
  cv::Mat alpha;
  if (image->channels() == 4) {
    cv::extractChannel(*image, alpha, 3);
    cv::cvtColor(*image, *image, cv::COLOR_BGRA2BGR);
  } else if (image->channels() == 1) {
    if (transparent_grey) alpha = *image != *transparent_grey;
    cv::cvtColor(*image, *image, cv::COLOR_GRAY2BGR);
  }
  return alpha;
}

// Windows programs write BMPs with alpha that is 0 everywhere; browsers show
// these as opaque.
bool IsUnusedAlpha(const cv::Mat& alpha, ImageFormat format) {
  return format == ImageFormat::kBmp && !alpha.empty() &&
         cv::countNonZero(alpha) == 0;
}

absl::StatusOr<std::string> ReadStart(const std::string& path,
                                      const std::function<bool()>& stop) {
  networks::files::ReadOptions options;
  options.first_bytes = 1024;
  options.stop = stop;
  return networks::files::ReadFile(path, options);
}

// Refuses what begins like no picture before gigabytes of it are read. A pipe
// could not be read from its start again.
absl::Status CheckStart(const std::string& path,
                        const std::function<bool()>& stop) {
  std::error_code error;
  if (std::filesystem::is_fifo(path, error)) return absl::OkStatus();
  ASSIGN_OR_RETURN(const std::string start, ReadStart(path, stop));
  if (start.empty() || DetectImageFormat(start) != ImageFormat::kNone) {
    return absl::OkStatus();
  }
  return DecodeImage(start, path).status();
}

// Puts a chunk behind the header, [PNG specification, 5.3].
void InsertPngChunk(const std::string& chunk, std::string* png) {
  constexpr size_t kHeaderEnd = 8 + 25;  // signature and IHDR
  const auto crc = static_cast<uint32_t>(
      crc32(0, reinterpret_cast<const Bytef*>(chunk.data()),
            static_cast<uInt>(chunk.size())));
  png->insert(kHeaderEnd,
              BigEndianBytes(static_cast<uint32_t>(chunk.size() - 4)) + chunk +
                  BigEndianBytes(crc));
}

// Puts a comment segment behind the JFIF header, [ITU-T T.81, B.2.4.5].
void InsertJpegComment(std::string_view comment, std::string* jpeg) {
  constexpr size_t kMaxComment = 65533;
  const std::string_view text = comment.substr(0, kMaxComment);
  const size_t length = text.size() + 2;
  // The start of the image, then the first segment: its marker and its length.
  const auto byte = [jpeg](size_t at) {
    return static_cast<size_t>(static_cast<unsigned char>(jpeg->at(at)));
  };
  const size_t behind_first = 4 + (byte(4) << 8 | byte(5));
  jpeg->insert(behind_first, std::string("\xff\xfe") +
                                 static_cast<char>(length >> 8) +
                                 static_cast<char>(length) + std::string(text));
}

}  // namespace

absl::StatusOr<std::string> ReadImageHead(const std::string& path) {
  ASSIGN_OR_RETURN(std::string head, ReadStart(path, nullptr));
  if (EndsBeforeFramesOfPng(head)) return ReadImageFile(path);
  return head;
}

bool LooksLikeImage(std::string_view bytes) {
  return DetectImageFormat(bytes) != ImageFormat::kNone &&
         !LooksLikeMovingImage(bytes);
}

bool LooksLikeMovingImage(std::string_view bytes) {
  return IsAnimatedPng(bytes) || IsAnimatedWebp(bytes);
}

absl::StatusOr<std::string> ReadImageFile(const std::string& path,
                                          const std::function<bool()>& stop) {
  RETURN_IF_ERROR(CheckStart(path, stop));
  networks::files::ReadOptions options;
  options.stop = stop;
  options.max_bytes = std::numeric_limits<int>::max();  // as OpenCV takes
  return networks::files::ReadNonEmptyFile(path, options);
}

absl::StatusOr<cv::Mat> ReadImage(const std::string& path,
                                  const std::function<bool()>& stop) {
  ASSIGN_OR_RETURN(const std::string bytes, ReadImageFile(path, stop));
  return DecodeImage(bytes, path);
}

absl::StatusOr<ImageWithAlpha> ReadImageWithAlpha(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string bytes, ReadImageFile(path));
  return DecodeImageWithAlpha(bytes, path);
}

absl::StatusOr<cv::Mat> DecodeImage(std::string_view bytes,
                                    const std::string& name) {
  ASSIGN_OR_RETURN(const ImageWithAlpha image,
                   DecodeImageWithAlpha(bytes, name));
  return image.rgb;
}

absl::StatusOr<ImageWithAlpha> DecodeImageWithAlpha(std::string_view bytes,
                                                    const std::string& name) {
  ASSIGN_OR_RETURN(const ImageHeader header, ReadImageHeader(bytes, name));
  RETURN_IF_ERROR(CheckSize(header, bytes.size(), name));
  cv::Mat image = DecodeWithOpenCv(bytes, header.has_alpha);
  if (image.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        name,
        ": the image is damaged, or of a kind that is not read, and cannot be "
        "decoded; save it as PNG or JPEG"));
  }
  if (header.is_premultiplied) Unmultiply(&image);
  cv::Mat alpha = SplitAlpha(header.transparent_grey, &image);
  if (IsUnusedAlpha(alpha, DetectImageFormat(bytes))) alpha.release();
  ConvertToSrgb(ReadImageColours(bytes), &image);
  // Floats that are no TIFF: Radiance and the like.
  if (image.depth() == CV_32F &&
      DetectImageFormat(bytes) == ImageFormat::kOther) {
    EncodeLight(&image);
  }
  image = ToEightBits(image);
  if (!alpha.empty()) {
    alpha = ToEightBits(alpha);
    PutOnWhite(alpha, &image);
    if (cv::countNonZero(alpha != 255) == 0) alpha.release();
  }
  if (DetectImageFormat(bytes) != ImageFormat::kTiff) {
    image = Upright(image, header.orientation);
    if (!alpha.empty()) alpha = Upright(alpha, header.orientation);
  }
  SwapRedAndBlue(&image);
  return ImageWithAlpha{image, alpha};
}

absl::StatusOr<cv::Size> ProbeImage(std::string_view bytes,
                                    const std::string& name) {
  ASSIGN_OR_RETURN(const ImageHeader header, ReadImageHeader(bytes, name));
  RETURN_IF_ERROR(CheckSize(header, bytes.size(), name));
  cv::Size size = header.size;
  if (header.orientation >= 5) std::swap(size.width, size.height);
  return size;
}

absl::Status CheckImageSize(cv::Size size, std::string_view ending,
                            const std::string& name) {
  static constexpr struct {
    absl::string_view ending;
    const char* format;
    int max_side;
    const char* advice;
  } kLimits[] = {
      // WEBP_MAX_DIMENSION of libwebp, JPEG_MAX_DIMENSION of libjpeg.
      {".webp", "WebP", 16383, "use .png or .jpg, or a folder for several"},
      {".jpg", "JPEG", 65500, "use .png, or a folder for several"},
      {".jpeg", "JPEG", 65500, "use .png, or a folder for several"},
  };
  for (const auto& limit : kLimits) {
    if (std::max(size.width, size.height) <= limit.max_side ||
        !absl::EqualsIgnoreCase({ending.data(), ending.size()}, limit.ending)) {
      continue;
    }
    return absl::InvalidArgumentError(
        absl::StrCat(name, ": frame size ", size.width, "x", size.height,
                     "; each side of a ", limit.format, " must be 1 to ",
                     limit.max_side, "; ", limit.advice, " frames"));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> EncodeImage(const cv::Mat& rgb,
                                        const std::string& ending,
                                        const std::string& name,
                                        std::string_view comment) {
  CV_Assert(rgb.type() == CV_8UC3 || rgb.type() == CV_8UC1 ||
            rgb.type() == CV_8UC4);
  if (ending.empty() || !cv::haveImageWriter("x" + ending)) {
    return absl::InvalidArgumentError(absl::StrCat(
        name, ": no encoder for the ending '", ending, "'; use .png or .jpg"));
  }
  if (rgb.channels() == 4 && !HoldsAlpha(ending)) {
    return absl::InvalidArgumentError(absl::StrCat(
        name, ": '", ending, "' holds no transparency; use .png or .webp"));
  }
  RETURN_IF_ERROR(CheckImageSize(rgb.size(), ending, name));
  cv::Mat stored;
  if (rgb.channels() == 4) {
    cv::cvtColor(rgb, stored, cv::COLOR_RGBA2BGRA);
  } else if (rgb.channels() == 3) {
    cv::cvtColor(rgb, stored, cv::COLOR_RGB2BGR);
  } else {
    stored = rgb;
  }
  std::vector<uchar> bytes;
  try {
    cv::imencode(ending, stored, bytes);
  } catch (const cv::Exception& error) {
    return absl::InternalError(absl::StrCat(name, ": ", error.what()));
  }
  std::string content(bytes.begin(), bytes.end());
  const ImageFormat format = DetectImageFormat(content);
  if (format == ImageFormat::kJpeg && !comment.empty()) {
    InsertJpegComment(comment, &content);
  }
  if (format == ImageFormat::kWebp && !comment.empty()) {
    ASSIGN_OR_RETURN(const ImageHeader header, ReadImageHeader(content, name));
    AddWebpComment({comment.data(), comment.size()}, header.size,
                   header.has_alpha, &content);
  }
  if (format != ImageFormat::kPng) return content;
  if (!comment.empty()) {
    InsertPngChunk(
        std::string("tEXtComment\0", 12).append(comment.data(), comment.size()),
        &content);
  }
  InsertPngChunk(std::string("sRGB\0", 5), &content);  // perceptual
  return content;
}

cv::Mat Upright(const cv::Mat& stored, int orientation) {
  cv::Mat upright = stored;
  if (orientation >= 5) cv::transpose(stored, upright);
  // The transposition and its other corners: 5, 6, 8, 7.
  const bool flip_x = orientation == 2 || orientation == 3 ||
                      orientation == 6 || orientation == 7;
  const bool flip_y = orientation == 3 || orientation == 4 ||
                      orientation == 7 || orientation == 8;
  if (flip_x) cv::flip(upright, upright, 1);
  if (flip_y) cv::flip(upright, upright, 0);
  return upright;
}

bool HoldsAlpha(std::string_view ending) {
  for (const char* known : {".png", ".webp"}) {
    if (absl::EqualsIgnoreCase({ending.data(), ending.size()}, known)) {
      return true;
    }
  }
  return false;
}

absl::Status WriteImage(const std::string& path, const cv::Mat& rgb,
                        std::string_view comment) {
  const std::string file_name = networks::files::BaseName(path);
  const size_t dot = file_name.find_last_of('.');
  const std::string ending =
      dot == std::string::npos ? "" : file_name.substr(dot);
  ASSIGN_OR_RETURN(const std::string content,
                   EncodeImage(rgb, ending, path, comment));
  return networks::files::WriteAtomically(path, content);
}

cv::Mat CropAndResize(const cv::Mat& rgb, cv::Size size) {
  if (rgb.size() == size) return rgb;
  // The largest centred box with the aspect of `size`, at least one pixel.
  cv::Rect box(0, 0, rgb.cols, rgb.rows);
  const int64_t across = int64_t{rgb.cols} * size.height;
  const int64_t down = int64_t{rgb.rows} * size.width;
  if (across > down) {
    box.width = std::max<int>(1, static_cast<int>(down / size.height));
    box.x = (rgb.cols - box.width) / 2;
  } else if (down > across) {
    box.height = std::max<int>(1, static_cast<int>(across / size.width));
    box.y = (rgb.rows - box.height) / 2;
  }
  return Resized(rgb(box), size);
}

cv::Mat Resized(const cv::Mat& picture, cv::Size size) {
  const bool shrinks =
      picture.cols >= size.width && picture.rows >= size.height;
  cv::Mat result;
  cv::resize(picture, result, size, 0, 0,
             shrinks ? cv::INTER_AREA : cv::INTER_CUBIC);
  return result;
}

}  // namespace pipelines::media
