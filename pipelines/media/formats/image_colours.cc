#include "pipelines/media/formats/image_colours.h"

#include <zlib.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>

#include "pipelines/media/formats/bytes.h"
#include "pipelines/media/formats/image_header.h"

namespace pipelines::media {
namespace {

using namespace std::string_view_literals;

// Profiles of printers with large tables have a few megabytes.
constexpr size_t kMaxProfileBytes = size_t{16} << 20;

// Up to `count` bytes from `at` on.
std::string_view Part(std::string_view bytes, size_t at, size_t count) {
  return at < bytes.size() ? bytes.substr(at, count) : std::string_view();
}

// Empty for damage and for what unpacks to more than kMaxProfileBytes.
std::string Inflate(std::string_view packed) {
  z_stream stream = {};
  if (inflateInit(&stream) != Z_OK) return "";
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  std::string result;
  int code = Z_OK;
  while (code == Z_OK && result.size() < kMaxProfileBytes) {
    char buffer[16384];
    stream.next_out = reinterpret_cast<Bytef*>(buffer);
    stream.avail_out = sizeof(buffer);
    code = inflate(&stream, Z_NO_FLUSH);
    result.append(buffer, sizeof(buffer) - stream.avail_out);
  }
  inflateEnd(&stream);
  return code == Z_STREAM_END ? result : "";
}

// The gamma of a transfer characteristic of [H.273]; that of sRGB for those of
// video, as players take them. None for HDR and what is not known.
std::optional<double> GammaOfCode(uint32_t transfer) {
  switch (transfer) {
    case 1:
    case 4:
    case 6:
    case 13:
    case 14:
    case 15:
      return 0.45455;
    case 5:
      return 1 / 2.8;
    case 8:
      return 1;
    default:
      return std::nullopt;
  }
}

// Those of [H.273, table 2].
std::optional<Primaries> PrimariesOfCode(uint32_t code) {
  switch (code) {
    case 1:
      return Primaries{0.3127, 0.3290, 0.64, 0.33, 0.30, 0.60, 0.15, 0.06};
    case 5:
      return Primaries{0.3127, 0.3290, 0.64, 0.33, 0.29, 0.60, 0.15, 0.06};
    case 6:
    case 7:
      return Primaries{0.3127, 0.3290, 0.630, 0.340,
                       0.310,  0.595,  0.155, 0.070};
    case 9:
      return Primaries{0.3127, 0.3290, 0.708, 0.292,
                       0.170,  0.797,  0.131, 0.046};
    case 11:
      return Primaries{0.314, 0.351, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060};
    case 12:
      return Primaries{0.3127, 0.3290, 0.680, 0.320,
                       0.265,  0.690,  0.150, 0.060};
    default:
      return std::nullopt;
  }
}

// [PNG specification, third edition, 11.3.2.6] Primaries, transfer, matrix and
// range. None where it says nothing that a picture of RGB can be shown by.
std::optional<ImageColours> ReadCodePoints(std::string_view content) {
  constexpr uint32_t kPq = 16, kHlg = 18;
  const uint32_t primaries = Byte(content, 0), transfer = Byte(content, 1);
  if (content.size() != 4 || Byte(content, 2) != 0 || Byte(content, 3) != 1) {
    return std::nullopt;
  }
  ImageColours colours;
  if (transfer == kPq || transfer == kHlg) {
    colours.hdr =
        HdrCode{static_cast<int>(primaries), static_cast<int>(transfer)};
    return colours;
  }
  colours.gamma = GammaOfCode(transfer);
  colours.primaries = PrimariesOfCode(primaries);
  if (!colours.gamma || !colours.primaries) return std::nullopt;
  return colours;
}

// [PNG specification, third edition, 4.3] Code points count before a profile,
// that before sRGB, that before gamma.
ImageColours ReadPng(std::string_view bytes) {
  ImageColours colours;
  std::optional<ImageColours> by_code;
  bool is_srgb = false;
  for (size_t at = 8; at + 12 <= bytes.size();) {
    const size_t length = BigEndian(bytes, at, 4);
    const std::string_view type = Part(bytes, at + 4, 4);
    const std::string_view content = Part(bytes, at + 8, length);
    if (type == "IDAT" || type == "IEND") break;
    if (type == "cICP") by_code = ReadCodePoints(content);
    if (type == "sRGB") is_srgb = true;
    if (type == "gAMA" && BigEndian(content, 0, 4) > 0) {
      colours.gamma = BigEndian(content, 0, 4) / 1e5;
    }
    if (type == "cHRM") {
      Primaries& primaries = colours.primaries.emplace();
      for (size_t i = 0; i < primaries.size(); ++i) {
        primaries[i] = BigEndian(content, 4 * i, 4) / 1e5;
      }
    }
    // A name up to a zero, the method, and the packed profile.
    const size_t name_end = content.find('\0');
    if (type == "iCCP" && name_end != std::string_view::npos) {
      colours.icc = Inflate(Part(content, name_end + 2, content.size()));
    }
    at += 12 + length;
  }
  if (by_code) return *by_code;
  if (!colours.icc.empty() || is_srgb || !colours.gamma) {
    colours.gamma.reset();
    colours.primaries.reset();
  }
  return colours;
}

// [ICC.1, B.4] Segments of a name, their number from 1, how many there are, and
// a part of the profile.
ImageColours ReadJpeg(std::string_view bytes) {
  constexpr auto kName = "ICC_PROFILE\0"sv;
  constexpr uint32_t kApp2 = 0xe2, kStartOfScan = 0xda;
  std::map<uint32_t, std::string_view> parts;
  size_t at = 2;
  while (at + 4 <= bytes.size() && Byte(bytes, at) == 0xff) {
    const uint32_t marker = Byte(bytes, at + 1);
    if (marker == kStartOfScan) break;
    const size_t length = BigEndian(bytes, at + 2, 2);
    const std::string_view content =
        Part(bytes, at + 4, std::max<size_t>(length, 2) - 2);
    if (marker == kApp2 && content.substr(0, kName.size()) == kName) {
      parts[Byte(content, kName.size())] =
          Part(content, kName.size() + 2, content.size());
    }
    at += 2 + length;
  }
  ImageColours colours;
  for (const auto& [number, part] : parts) colours.icc.append(part);
  return colours;
}

ImageColours ReadWebp(std::string_view bytes) {
  ImageColours colours;
  for (size_t at = 12; at + 8 <= bytes.size();) {
    const size_t size = LittleEndian(bytes, at + 4, 4);
    if (bytes.substr(at, 4) == "ICCP") {
      colours.icc = std::string(Part(bytes, at + 8, size));
    }
    at += 8 + size + size % 2;
  }
  return colours;
}

ImageColours ReadTiff(std::string_view bytes) {
  constexpr uint32_t kProfile = 34675;
  const auto read = bytes[0] == 'M' ? BigEndian : LittleEndian;
  const size_t directory = read(bytes, 4, 4);
  const uint32_t count = read(bytes, directory, 2);
  ImageColours colours;
  for (uint32_t i = 0; i < count && directory + 12 * i < bytes.size(); ++i) {
    const size_t entry = directory + 2 + 12 * i;
    if (read(bytes, entry, 2) != kProfile) continue;
    colours.icc = std::string(
        Part(bytes, read(bytes, entry + 8, 4), read(bytes, entry + 4, 4)));
  }
  return colours;
}

// [ISO 15444-1, I.5.3.3] The method, precedence and approximation, of a byte
// each, and the profile.
ImageColours ReadJpeg2000(std::string_view bytes) {
  constexpr uint32_t kByProfile = 2;
  constexpr size_t kBegin = 4 + 3;  // behind the name
  ImageColours colours;
  const std::string_view boxes =
      bytes.substr(0, bytes.find("\xff\x4f\xff\x51"));
  const size_t at = boxes.find("colr");
  if (at == std::string_view::npos || at < 4 ||
      Byte(boxes, at + 4) != kByProfile) {
    return colours;
  }
  const size_t length = BigEndian(boxes, at - 4, 4);  // of all the box
  colours.icc = std::string(
      Part(boxes, at + kBegin, std::max(length, kBegin + 4) - kBegin - 4));
  return colours;
}

}  // namespace

ImageColours ReadImageColours(std::string_view bytes) {
  ImageColours colours;
  switch (DetectImageFormat(bytes)) {
    case ImageFormat::kPng:
      colours = ReadPng(bytes);
      break;
    case ImageFormat::kJpeg:
      colours = ReadJpeg(bytes);
      break;
    case ImageFormat::kWebp:
      colours = ReadWebp(bytes);
      break;
    case ImageFormat::kTiff:
      colours = ReadTiff(bytes);
      break;
    case ImageFormat::kOther:
      if (Part(bytes, 4, 4) == "jP  ") colours = ReadJpeg2000(bytes);
      break;
    default:
      break;
  }
  if (colours.icc.size() > kMaxProfileBytes) colours.icc.clear();
  return colours;
}

}  // namespace pipelines::media
