#include "pipelines/media/formats/image_header.h"

#include <zlib.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "pipelines/media/formats/bytes.h"
#include "pipelines/media/formats/refused_formats.h"
#include "third_party/absl/status_macros.h"

namespace pipelines::media {
namespace {

using namespace std::string_view_literals;

bool StartsWith(std::string_view bytes, std::string_view prefix) {
  return bytes.substr(0, prefix.size()) == prefix;
}

absl::Status Truncated(const std::string& name, size_t size) {
  return absl::InvalidArgumentError(absl::StrCat(
      name, ": the image is truncated, the file ends after ", size, " bytes"));
}

// Sizes beyond int are absurd; the caller's limit catches what this returns.
ImageHeader MakeHeader(uint32_t width, uint32_t height,
                       uint32_t bits_per_sample = 8) {
  constexpr uint32_t kMax = 0x7fffffff;
  ImageHeader header;
  header.size = cv::Size(static_cast<int>(std::min(width, kMax)),
                         static_cast<int>(std::min(height, kMax)));
  header.bytes_per_sample =
      static_cast<int>(std::clamp((bits_per_sample + 7) / 8, 1u, 8u));
  return header;
}

// [EXIF 2.3, 4.6.4] The orientation in the first directory of a TIFF structure.
int ReadOrientation(std::string_view tiff) {
  constexpr uint32_t kOrientation = 0x0112;
  const auto read = StartsWith(tiff, "MM") ? BigEndian : LittleEndian;
  const size_t directory = read(tiff, 4, 4);
  const uint32_t count = read(tiff, directory, 2);
  for (uint32_t i = 0; i < count && directory + 12 * i < tiff.size(); ++i) {
    const size_t entry = directory + 2 + 12 * i;
    if (read(tiff, entry, 2) != kOrientation) continue;
    const uint32_t value = read(tiff, entry + 8, 2);
    return value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
  }
  return 1;
}

// The same with the name in front that JPEG and some WebP have.
int ReadExifOrientation(std::string_view exif) {
  constexpr auto kName = "Exif\0\0"sv;
  if (StartsWith(exif, kName)) exif.remove_prefix(kName.size());
  return ReadOrientation(exif);
}

// [PNG specification, 11.3.2.1] The grey of a tRNS chunk: two bytes, of which
// the low bits count; the decoder returns 8 bits of those that are fewer.
int TransparentGrey(std::string_view data, uint32_t bits) {
  const auto most = static_cast<int>((1u << std::min(bits, 16u)) - 1);
  const int grey = static_cast<int>(BigEndian(data, 0, 2)) & most;
  return bits < 8 ? grey * 255 / most : grey;
}

// Signature, then chunks of length, type, data, checksum; the last is IEND.
absl::StatusOr<ImageHeader> ReadPngHeader(std::string_view bytes,
                                          const std::string& name) {
  const uint32_t bits = Byte(bytes, 24), colour_type = Byte(bytes, 25);
  ImageHeader header =
      MakeHeader(BigEndian(bytes, 16, 4), BigEndian(bytes, 20, 4), bits);
  constexpr uint32_t kGrey = 0, kAlpha = 4;
  header.has_alpha = colour_type & kAlpha;
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
      header.orientation = ReadPngOrientation(bytes);
      return header;
    }
    if (StartsWith(type_and_data, "tRNS")) {
      header.has_alpha = true;
      if (colour_type == kGrey && bits > 0) {
        header.transparent_grey =
            TransparentGrey(type_and_data.substr(4), bits);
      }
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

absl::StatusOr<ImageHeader> ReadJpegHeader(std::string_view bytes,
                                           const std::string& name) {
  constexpr uint32_t kEndOfImage = 0xd9, kExif = 0xe1;
  ImageHeader header;
  int orientation = 1;
  size_t at = FindMarker(bytes, 2);
  while (at + 1 < bytes.size()) {
    const uint32_t marker = Byte(bytes, at + 1);
    if (marker == kEndOfImage) {
      header.orientation = orientation;
      return header;
    }
    const std::string_view content = bytes.substr(
        std::min(at + 4, bytes.size()), BigEndian(bytes, at + 2, 2));
    if (marker == kExif && orientation == 1 &&
        StartsWith(content, "Exif\0"sv)) {
      orientation = ReadExifOrientation(content);
    }
    // The first counts, as for the decoder.
    if (IsStartOfFrame(marker) && header.size.empty()) {
      header =
          MakeHeader(BigEndian(bytes, at + 7, 2), BigEndian(bytes, at + 5, 2));
    }
    // Skips the segment; behind a start of scan, its entropy-coded data too.
    at = FindMarker(bytes, at + 2 + BigEndian(bytes, at + 2, 2));
  }
  return Truncated(name, bytes.size());
}

// BITMAPV4HEADER of Windows: of 32 bits a pixel, masks may say where each
// colour and alpha stand. The decoder takes them to be in the order B, G, R,
// alpha.
absl::StatusOr<bool> HasBmpAlpha(std::string_view bytes,
                                 const std::string& name) {
  constexpr uint32_t kByMasks = 3, kHeaderWithAlpha = 56;
  if (LittleEndian(bytes, 28, 2) != 32 ||
      LittleEndian(bytes, 30, 4) != kByMasks) {
    return false;
  }
  const bool states_alpha = LittleEndian(bytes, 14, 4) >= kHeaderWithAlpha;
  const uint64_t alpha = states_alpha ? LittleEndian(bytes, 66, 4) : 0;
  if (LittleEndian(bytes, 54, 4) == 0xff0000 &&
      LittleEndian(bytes, 58, 4) == 0xff00 &&
      LittleEndian(bytes, 62, 4) == 0xff &&
      (alpha == 0 || alpha == 0xff000000)) {
    return alpha != 0;
  }
  return absl::InvalidArgumentError(absl::StrCat(
      name,
      " is a BMP of another order of colours than B, G, R, which is not read; "
      "save it as PNG"));
}

absl::StatusOr<ImageHeader> ReadBmpHeader(std::string_view bytes,
                                          const std::string& name) {
  const size_t file_size = LittleEndian(bytes, 2, 4);
  if (bytes.size() < 26 || bytes.size() < file_size) {
    return Truncated(name, bytes.size());
  }
  // The header of OS/2 has fields of 16 bits.
  constexpr uint32_t kOs2HeaderBytes = 12;
  if (LittleEndian(bytes, 14, 4) == kOs2HeaderBytes) {
    return MakeHeader(LittleEndian(bytes, 18, 2), LittleEndian(bytes, 20, 2));
  }
  // A negative height marks rows from the top.
  const int64_t height = static_cast<int32_t>(LittleEndian(bytes, 22, 4));
  ImageHeader header = MakeHeader(LittleEndian(bytes, 18, 4),
                                  static_cast<uint32_t>(std::abs(height)));
  ASSIGN_OR_RETURN(header.has_alpha, HasBmpAlpha(bytes, name));
  return header;
}

absl::StatusOr<ImageHeader> ReadWebpHeader(std::string_view bytes,
                                           const std::string& name) {
  const size_t riff_size = LittleEndian(bytes, 4, 4);
  if (bytes.size() < 30 || bytes.size() < riff_size + 8) {
    return Truncated(name, bytes.size());
  }
  const std::string_view chunk = bytes.substr(12, 4);
  if (chunk == "VP8X") {
    constexpr uint32_t kAlpha = 0x10;
    if (IsAnimatedWebp(bytes)) {
      return absl::InvalidArgumentError(absl::StrCat(
          name, " is an animated WebP, and a still picture is needed here"));
    }
    ImageHeader header = MakeHeader(LittleEndian(bytes, 24, 3) + 1,
                                    LittleEndian(bytes, 27, 3) + 1);
    header.orientation = ReadWebpOrientation(bytes);
    header.has_alpha = Byte(bytes, 20) & kAlpha;
    return header;
  }
  if (chunk == "VP8L") {
    const uint32_t packed = LittleEndian(bytes, 21, 4);
    ImageHeader header =
        MakeHeader((packed & 0x3fff) + 1, (packed >> 14 & 0x3fff) + 1);
    header.has_alpha = packed >> 28 & 1;
    return header;
  }
  return MakeHeader(LittleEndian(bytes, 26, 2) & 0x3fff,
                    LittleEndian(bytes, 28, 2) & 0x3fff);
}

// What the first directory of a TIFF says, [TIFF 6.0, 2, 8 and 15].
struct TiffDirectory {
  uint32_t width = 0, height = 0, bits = 8, samples = 1;
  uint32_t photometric = 1;
  uint32_t subfile = 0;  // bit 0: a small copy of another picture of the file
  uint32_t planar = 1;   // 2: a strip holds one colour
  uint32_t extra_sample = 0;
  uint32_t sample_format = 1;  // 2: numbers with a sign
  uint32_t rows_per_strip = 0xffffffff;
  uint32_t tile_width = 0, tile_height = 0;
};

using ReadNumber = uint64_t (*)(std::string_view, size_t, int);

// The first value of an entry of tag, type, count and value, or place of the
// values; a number that nothing accepts where the type is none of a size.
uint32_t TiffValue(std::string_view bytes, size_t entry, ReadNumber read) {
  constexpr uint32_t kByte = 1, kShort = 3, kLong = 4;
  const uint64_t type = read(bytes, entry + 2, 2);
  if (type != kByte && type != kShort && type != kLong) return 0xffffffff;
  const int size = type == kByte ? 1 : type == kShort ? 2 : 4;
  const bool is_here =
      static_cast<uint64_t>(size) * read(bytes, entry + 4, 4) <= 4;
  const size_t at = is_here ? entry + 8 : read(bytes, entry + 8, 4);
  return static_cast<uint32_t>(read(bytes, at, size));
}

// Of tags that are there several times, the largest counts.
absl::StatusOr<TiffDirectory> ReadTiffDirectory(std::string_view bytes,
                                                const std::string& name) {
  const ReadNumber read = bytes[0] == 'M' ? BigEndian : LittleEndian;
  const size_t at = read(bytes, 4, 4);
  if (at + 2 > bytes.size()) return Truncated(name, bytes.size());
  const size_t count = read(bytes, at, 2);
  if (at + 2 + 12 * count > bytes.size()) return Truncated(name, bytes.size());
  TiffDirectory directory;
  const std::pair<uint64_t, uint32_t*> fields[] = {
      {254, &directory.subfile},      {256, &directory.width},
      {257, &directory.height},       {258, &directory.bits},
      {262, &directory.photometric},  {277, &directory.samples},
      {322, &directory.tile_width},   {323, &directory.tile_height},
      {338, &directory.extra_sample}, {278, &directory.rows_per_strip},
      {284, &directory.planar},       {339, &directory.sample_format}};
  for (size_t i = 0; i < count; ++i) {
    const size_t entry = at + 2 + 12 * i;
    for (const auto& [tag, field] : fields) {
      if (read(bytes, entry, 2) != tag) continue;
      const uint32_t value = TiffValue(bytes, entry, read);
      const bool is_size = tag != 262 && tag != 278;
      *field = is_size ? std::max(*field, value) : value;
    }
  }
  return directory;
}

// The decoder reads a strip or a tile of four channels at a time.
int64_t TiffBufferBytes(const TiffDirectory& directory, int bytes_per_sample) {
  const bool is_tiled = directory.tile_width > 0 && directory.tile_height > 0;
  const double pixels =
      is_tiled ? double{1} * directory.tile_width * directory.tile_height
               : double{1} * directory.width *
                     std::min(directory.rows_per_strip, directory.height);
  constexpr double kMost = 1e18;
  return static_cast<int64_t>(std::min(kMost, 4 * bytes_per_sample * pixels));
}

absl::StatusOr<ImageHeader> ReadTiffHeader(std::string_view bytes,
                                           const std::string& name) {
  constexpr uint32_t kWhiteIsZero = 0, kRgb = 2, kApart = 2;
  constexpr uint32_t kAssociated = 1, kUnassociated = 2, kSigned = 2;
  constexpr uint32_t kIsSmallCopy = 1, kColourFilter = 32803;  // [TIFF/EP]
  ASSIGN_OR_RETURN(const TiffDirectory directory,
                   ReadTiffDirectory(bytes, name));
  if ((directory.subfile & kIsSmallCopy) != 0 ||
      directory.photometric == kColourFilter) {
    return absl::InvalidArgumentError(absl::StrCat(
        name,
        " is a raw photo of a camera, or begins with a small copy of its "
        "picture, which is not read; save it as JPEG or PNG"));
  }
  if (directory.sample_format == kSigned) {
    return absl::InvalidArgumentError(absl::StrCat(
        name,
        " is a TIFF of numbers with a sign, which is not read; save it as "
        "PNG"));
  }
  ImageHeader header =
      MakeHeader(directory.width, directory.height, directory.bits);
  const bool is_apart = directory.planar == kApart && directory.samples > 1;
  if (directory.bits > 8 &&
      (directory.photometric == kWhiteIsZero || is_apart)) {
    return absl::InvalidArgumentError(absl::StrCat(
        name, " is a TIFF of ", directory.bits, " bits ",
        is_apart ? "whose colours are apart" : "in which white is 0",
        ", which is not read; save it as PNG"));
  }
  header.orientation = ReadOrientation(bytes);
  header.buffer_bytes = TiffBufferBytes(directory, header.bytes_per_sample);
  header.has_alpha = directory.extra_sample == kAssociated ||
                     directory.extra_sample == kUnassociated;
  if (!header.has_alpha) return header;
  // Of 8 bits, libtiff multiplies what is not.
  header.is_premultiplied =
      directory.bits == 8 || directory.extra_sample == kAssociated;
  if (directory.photometric == kRgb && directory.samples == 4 &&
      (directory.bits == 8 || directory.bits == 16)) {
    return header;
  }
  return absl::InvalidArgumentError(absl::StrCat(
      name,
      " is a TIFF with transparency that is no RGB of 8 or 16 bits, which is "
      "not read; save it as PNG"));
}

// The word that begins at or behind `*at`, which is moved behind it; comments
// (from # to the end of the line) do not count.
std::string_view NextWord(std::string_view bytes, size_t* at) {
  size_t begin = *at;
  while (begin < bytes.size() &&
         (absl::ascii_isspace(bytes[begin]) || bytes[begin] == '#')) {
    begin = bytes[begin] == '#' ? bytes.find('\n', begin) : begin + 1;
  }
  if (begin >= bytes.size()) return {};
  size_t end = begin;
  while (end < bytes.size() && !absl::ascii_isspace(bytes[end])) ++end;
  *at = end;
  return bytes.substr(begin, end - begin);
}

uint32_t NextNumber(std::string_view bytes, size_t* at) {
  const std::string_view word = NextWord(bytes, at);
  uint32_t value = 0;
  return absl::SimpleAtoi({word.data(), word.size()}, &value) ? value : 0;
}

// Two numbers, and the largest value for all but black and white (P1, P4). The
// decoder scales by it only where numbers are written in digits (P2, P3), up to
// 255.
absl::StatusOr<ImageHeader> ReadPnmHeader(std::string_view bytes,
                                          const std::string& name) {
  const char kind = bytes[1];
  if (kind == '7') {
    return absl::InvalidArgumentError(absl::StrCat(
        name, " is a PAM picture, which is not read; save it as PNG"));
  }
  size_t at = 2;
  const uint32_t width = NextNumber(bytes, &at);
  const uint32_t height = NextNumber(bytes, &at);
  if (kind == '1' || kind == '4') return MakeHeader(width, height);
  const uint32_t largest = NextNumber(bytes, &at);
  const bool is_scaled = kind <= '3' && largest < 255;
  if (!is_scaled && largest != 255 && largest != 65535) {
    return absl::InvalidArgumentError(
        absl::StrCat(name, " is a PNM picture whose largest value is ", largest,
                     "; 255 and 65535 are read, save it as PNG"));
  }
  return MakeHeader(width, height, largest > 255 ? 16 : 8);
}

// Radiance: lines, an empty one, then "-Y height +X width", or the other way
// round and with other signs.
ImageHeader ReadRadianceHeader(std::string_view bytes) {
  size_t at = bytes.find("\n\n");
  if (at == std::string_view::npos) return {};
  uint32_t width = 0, height = 0;
  for (int axis = 0; axis < 2; ++axis) {
    const std::string_view name = NextWord(bytes, &at);
    const uint32_t length = NextNumber(bytes, &at);
    (name.substr(0, 2).find('Y') == 1 ? height : width) = length;
  }
  return MakeHeader(width, height, 32);
}

// [ISO 15444-1, I.5.3.3] The box of a JP2 file that says what its numbers
// mean. A profile is read by image_colours.h.
absl::Status CheckJpeg2000Colours(std::string_view boxes,
                                  const std::string& name) {
  constexpr uint32_t kEnumerated = 1, kSrgb = 16, kGrey = 17;
  const size_t at = boxes.find("colr");
  if (at == std::string_view::npos || Byte(boxes, at + 4) != kEnumerated) {
    return absl::OkStatus();
  }
  const uint64_t space = BigEndian(boxes, at + 7, 4);
  if (space == kSrgb || space == kGrey) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(name, " is a JPEG 2000 picture of colour space ", space,
                   "; 16 (sRGB) and 17 (grey) are read, save it as PNG"));
}

// [ISO 15444-1, A.5.1] The size segment, right behind the start of the stream,
// which in a JP2 file stands in a box. Other boxes may hold what looks like
// one.
absl::StatusOr<ImageHeader> ReadJpeg2000Header(std::string_view bytes,
                                               const std::string& name) {
  constexpr std::string_view kStart = "\xff\x4f\xff\x51";
  RETURN_IF_ERROR(
      CheckJpeg2000Colours(bytes.substr(0, bytes.find(kStart)), name));
  uint32_t width = 0, height = 0, bits = 0, channels = 0;
  for (size_t start = bytes.find(kStart); start != std::string_view::npos;
       start = bytes.find(kStart, start + 1)) {
    const size_t at = start + 4 + 4;  // behind length and capabilities
    const auto difference = [&](size_t end, size_t begin) {
      return static_cast<uint32_t>(BigEndian(bytes, at + end, 4) -
                                   BigEndian(bytes, at + begin, 4));
    };
    width = std::max(width, difference(0, 8));
    height = std::max(height, difference(4, 12));
    channels =
        std::max(channels, static_cast<uint32_t>(BigEndian(bytes, at + 32, 2)));
    bits = std::max(bits, (Byte(bytes, at + 34) & 0x7f) + 1);
  }
  if (channels == 2) {
    return absl::InvalidArgumentError(absl::StrCat(
        name,
        " is a JPEG 2000 picture of grey with transparency, which is not read; "
        "save it as PNG"));
  }
  ImageHeader header = MakeHeader(width, height, bits);
  header.has_alpha = channels == 4;
  return header;
}

absl::StatusOr<ImageHeader> ReadOtherHeader(std::string_view bytes,
                                            const std::string& name) {
  switch (bytes[0]) {
    case 'P':
      return ReadPnmHeader(bytes, name);
    case '#':
      return ReadRadianceHeader(bytes);
    case '\x59':  // Sun raster
      return MakeHeader(BigEndian(bytes, 4, 4), BigEndian(bytes, 8, 4));
    default:
      return ReadJpeg2000Header(bytes, name);
  }
}

// The chunk that counts the frames of a PNG, if it has one, stands before the
// first one's data. Empty where the bytes end before both.
std::string_view FirstChunkOfFrames(std::string_view png) {
  for (size_t at = 8; at + 8 <= png.size();
       at += size_t{12} + BigEndian(png, at, 4)) {
    const std::string_view type = png.substr(at + 4, 4);
    if (type == "acTL" || type == "IDAT") return type;
  }
  return {};
}

bool IsPnm(std::string_view bytes) {
  return bytes.size() >= 3 && bytes[0] == 'P' && bytes[1] >= '1' &&
         bytes[1] <= '7' && absl::ascii_isspace(bytes[2]);
}

}  // namespace

bool IsAnimatedPng(std::string_view bytes) {
  return DetectImageFormat(bytes) == ImageFormat::kPng &&
         FirstChunkOfFrames(bytes) == "acTL";
}

bool EndsBeforeFramesOfPng(std::string_view bytes) {
  return DetectImageFormat(bytes) == ImageFormat::kPng &&
         FirstChunkOfFrames(bytes).empty();
}

bool IsAnimatedWebp(std::string_view bytes) {
  constexpr uint32_t kAnimation = 0x02;
  return DetectImageFormat(bytes) == ImageFormat::kWebp &&
         bytes.substr(12, 4) == "VP8X" && (Byte(bytes, 20) & kAnimation) != 0;
}

// Chunks of type, size and content, each at an even place.
int ReadWebpOrientation(std::string_view bytes) {
  for (size_t at = 12; at + 8 <= bytes.size();) {
    const size_t size = LittleEndian(bytes, at + 4, 4);
    if (bytes.substr(at, 4) == "EXIF") {
      return ReadExifOrientation(bytes.substr(at + 8, size));
    }
    at += 8 + size + size % 2;
  }
  return 1;
}

int ReadPngOrientation(std::string_view bytes) {
  for (size_t at = 8; at + 12 <= bytes.size();
       at += size_t{12} + BigEndian(bytes, at, 4)) {
    if (bytes.substr(at + 4, 4) == "eXIf") {
      return ReadOrientation(bytes.substr(at + 8, BigEndian(bytes, at, 4)));
    }
  }
  return 1;
}

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

namespace {

absl::Status NoKnownFormat(std::string_view bytes, const std::string& name) {
  constexpr size_t kHead = 1024;
  std::string why = WhyNotRead(bytes.substr(0, kHead));
  if (why.empty() && StartsWith(bytes, "GIF8")) {
    why = "is a GIF, and a still picture is needed here; save it as PNG";
  }
  if (why.empty()) {
    why = "is not an image of a known format (PNG, JPEG, BMP, WebP, TIFF)";
  }
  return absl::InvalidArgumentError(absl::StrCat(name, " ", why));
}

absl::StatusOr<ImageHeader> ReadHeaderOfFormat(std::string_view bytes,
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
      return ReadOtherHeader(bytes, name);
    case ImageFormat::kNone:
      break;
  }
  return NoKnownFormat(bytes, name);
}

}  // namespace

absl::StatusOr<ImageHeader> ReadImageHeader(std::string_view bytes,
                                            const std::string& name) {
  ASSIGN_OR_RETURN(const ImageHeader header, ReadHeaderOfFormat(bytes, name));
  if (!header.size.empty()) return header;
  return absl::InvalidArgumentError(
      absl::StrCat(name, ": the image is damaged: its header states no size"));
}

}  // namespace pipelines::media
