#include "pipelines/media/image_header.h"

#include <zlib.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace pipelines::data {
namespace {

using std::string_view_literals::operator""sv;

uint32_t Byte(std::string_view bytes, size_t at) {
  return at < bytes.size() ? static_cast<unsigned char>(bytes[at]) : 0;
}

uint32_t BigEndian(std::string_view bytes, size_t at, int count) {
  uint32_t value = 0;
  for (int i = 0; i < count; ++i) value = value << 8 | Byte(bytes, at + i);
  return value;
}

uint32_t LittleEndian(std::string_view bytes, size_t at, int count) {
  uint32_t value = 0;
  for (int i = count; i-- > 0;) value = value << 8 | Byte(bytes, at + i);
  return value;
}

bool StartsWith(std::string_view bytes, std::string_view prefix) {
  return bytes.substr(0, prefix.size()) == prefix;
}

absl::Status Truncated(const std::string& name, size_t size) {
  return absl::InvalidArgumentError(absl::StrCat(
      name, ": the image is truncated, the file ends after ", size, " bytes"));
}

// Sizes beyond int are absurd; the caller's limit catches what this returns.
cv::Size MakeSize(uint32_t width, uint32_t height) {
  constexpr uint32_t kMax = 0x7fffffff;
  return cv::Size(static_cast<int>(std::min(width, kMax)),
                  static_cast<int>(std::min(height, kMax)));
}

// Signature, then chunks of length, type, data, checksum; the last is IEND.
absl::StatusOr<cv::Size> ReadPngHeader(std::string_view bytes,
                                       const std::string& name) {
  size_t at = 8;
  while (at + 12 <= bytes.size()) {
    const size_t length = BigEndian(bytes, at, 4);
    if (length > bytes.size() - at - 12) return Truncated(name, bytes.size());
    const std::string_view type_and_data = bytes.substr(at + 4, 4 + length);
    const uLong checksum =
        crc32_z(0, reinterpret_cast<const Bytef*>(type_and_data.data()),
                type_and_data.size());
    if (checksum != BigEndian(bytes, at + 8 + length, 4)) {
      return absl::InvalidArgumentError(absl::StrCat(
          name, ": the PNG is damaged: wrong checksum of chunk ",
          std::string(type_and_data.substr(0, 4)), " at byte ", at));
    }
    if (StartsWith(type_and_data, "IEND")) {
      return MakeSize(BigEndian(bytes, 16, 4), BigEndian(bytes, 20, 4));
    }
    at += 12 + length;
  }
  return Truncated(name, bytes.size());
}

// Start-of-frame segments are C0 to CF but for C4 (DHT), C8 (JPG), CC (DAC).
bool IsStartOfFrame(uint32_t marker) {
  return marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 &&
         marker != 0xcc;
}

// The next marker at or after `at`; in entropy-coded data FF 00 is a stuffed
// byte, FF D0 to D7 restart marks, FF FF fill.
size_t FindMarker(std::string_view bytes, size_t at) {
  for (; at + 1 < bytes.size(); ++at) {
    if (Byte(bytes, at) != 0xff) continue;
    const uint32_t marker = Byte(bytes, at + 1);
    if (marker != 0 && marker != 0xff && (marker < 0xd0 || marker > 0xd7)) {
      return at;
    }
  }
  return bytes.size();
}

absl::StatusOr<cv::Size> ReadJpegHeader(std::string_view bytes,
                                        const std::string& name) {
  constexpr uint32_t kEndOfImage = 0xd9;
  cv::Size size;
  size_t at = FindMarker(bytes, 2);
  while (at + 1 < bytes.size()) {
    const uint32_t marker = Byte(bytes, at + 1);
    if (marker == kEndOfImage) return size;
    if (IsStartOfFrame(marker)) {
      size = MakeSize(BigEndian(bytes, at + 7, 2), BigEndian(bytes, at + 5, 2));
    }
    // Skips the segment; behind a start of scan, its entropy-coded data too.
    at = FindMarker(bytes, at + 2 + BigEndian(bytes, at + 2, 2));
  }
  return Truncated(name, bytes.size());
}

absl::StatusOr<cv::Size> ReadBmpHeader(std::string_view bytes,
                                       const std::string& name) {
  const size_t file_size = LittleEndian(bytes, 2, 4);
  if (bytes.size() < 26 || bytes.size() < file_size) {
    return Truncated(name, bytes.size());
  }
  // A negative height marks rows from the top.
  const int64_t height = static_cast<int32_t>(LittleEndian(bytes, 22, 4));
  return MakeSize(LittleEndian(bytes, 18, 4),
                  static_cast<uint32_t>(std::abs(height)));
}

absl::StatusOr<cv::Size> ReadWebpHeader(std::string_view bytes,
                                        const std::string& name) {
  const size_t riff_size = LittleEndian(bytes, 4, 4);
  if (bytes.size() < 30 || bytes.size() < riff_size + 8) {
    return Truncated(name, bytes.size());
  }
  const std::string_view chunk = bytes.substr(12, 4);
  if (chunk == "VP8X") {
    return MakeSize(LittleEndian(bytes, 24, 3) + 1,
                    LittleEndian(bytes, 27, 3) + 1);
  }
  if (chunk == "VP8L") {
    const uint32_t packed = LittleEndian(bytes, 21, 4);
    return MakeSize((packed & 0x3fff) + 1, (packed >> 14 & 0x3fff) + 1);
  }
  return MakeSize(LittleEndian(bytes, 26, 2) & 0x3fff,
                  LittleEndian(bytes, 28, 2) & 0x3fff);
}

// The first image file directory: entries of tag, type, count, value.
absl::StatusOr<cv::Size> ReadTiffHeader(std::string_view bytes,
                                        const std::string& name) {
  constexpr uint32_t kImageWidth = 256, kImageLength = 257, kShort = 3;
  const auto read = bytes[0] == 'M' ? BigEndian : LittleEndian;
  const size_t directory = read(bytes, 4, 4);
  if (directory + 2 > bytes.size()) return Truncated(name, bytes.size());
  const uint32_t count = read(bytes, directory, 2);
  if (directory + 2 + 12 * count > bytes.size()) {
    return Truncated(name, bytes.size());
  }
  uint32_t width = 0, height = 0;
  for (uint32_t i = 0; i < count; ++i) {
    const size_t entry = directory + 2 + 12 * i;
    const bool is_short = read(bytes, entry + 2, 2) == kShort;
    const uint32_t value = read(bytes, entry + 8, is_short ? 2 : 4);
    if (read(bytes, entry, 2) == kImageWidth) width = value;
    if (read(bytes, entry, 2) == kImageLength) height = value;
  }
  return MakeSize(width, height);
}

bool IsPnm(std::string_view bytes) {
  return bytes.size() >= 3 && bytes[0] == 'P' && bytes[1] >= '1' &&
         bytes[1] <= '7' && absl::ascii_isspace(bytes[2]);
}

}  // namespace

ImageFormat DetectImageFormat(std::string_view bytes) {
  if (StartsWith(bytes, "\x89PNG\r\n\x1a\n")) return ImageFormat::kPng;
  if (StartsWith(bytes, "\xff\xd8\xff")) return ImageFormat::kJpeg;
  if (StartsWith(bytes, "BM") && LittleEndian(bytes, 6, 4) == 0) {
    return ImageFormat::kBmp;
  }
  if (StartsWith(bytes, "RIFF") && bytes.size() >= 12 &&
      bytes.substr(8, 4) == "WEBP") {
    return ImageFormat::kWebp;
  }
  if (StartsWith(bytes, "II*\0"sv) || StartsWith(bytes, "MM\0*"sv)) {
    return ImageFormat::kTiff;
  }
  // JPEG 2000 (file and stream), Sun raster, Radiance.
  for (std::string_view magic :
       {"\0\0\0\x0cjP  \r\n\x87\n"sv, "\xff\x4f\xff\x51"sv,
        "\x59\xa6\x6a\x95"sv, "#?RADIANCE"sv, "#?RGBE"sv}) {
    if (StartsWith(bytes, magic)) return ImageFormat::kOther;
  }
  return IsPnm(bytes) ? ImageFormat::kOther : ImageFormat::kNone;
}

absl::StatusOr<cv::Size> ReadImageHeader(std::string_view bytes,
                                         const std::string& name) {
  switch (DetectImageFormat(bytes)) {
    case ImageFormat::kPng:
      return ReadPngHeader(bytes, name);
    case ImageFormat::kJpeg:
      return ReadJpegHeader(bytes, name);
    case ImageFormat::kBmp:
      return ReadBmpHeader(bytes, name);
    case ImageFormat::kWebp:
      return ReadWebpHeader(bytes, name);
    case ImageFormat::kTiff:
      return ReadTiffHeader(bytes, name);
    case ImageFormat::kOther:
      return cv::Size();
    case ImageFormat::kNone:
      break;
  }
  return absl::InvalidArgumentError(absl::StrCat(
      name, " is not an image of a known format (PNG, JPEG, BMP, WebP, TIFF)"));
}

}  // namespace pipelines::data
