#include "pipelines/media/formats/refused_formats.h"

#include <cstddef>

namespace pipelines::media {

std::string WhyNotRead(std::string_view head) {
  if (!head.empty() && head[0] == '<' &&
      head.find("<svg") != std::string_view::npos) {
    return "is an SVG drawing, which is not read; convert it to PNG";
  }
  if (head.substr(0, 4) == std::string_view("II+\0", 4) ||
      head.substr(0, 4) == std::string_view("MM\0+", 4)) {
    return "is a BigTIFF picture, which is not read; save it as PNG";
  }
  // FFmpeg would find the pictures in them.
  if (head.substr(0, 5) == "%PDF-" || head.substr(0, 4) == "%!PS") {
    return "is a PDF or PostScript document, which is not read; convert its "
           "picture to PNG";
  }
  // From version 7.1 on, FFmpeg knows these by the ending of a name only.
  if (head.substr(0, 7) == "#EXTM3U") {
    return "is a playlist (Apple HTTP Live Streaming), which names other "
           "files; give the video itself";
  }
  constexpr size_t kBoxBytes = 12;  // of size, type and brand
  if (head.size() < kBoxBytes || head.substr(4, 4) != "ftyp") return "";
  const std::string_view brand = head.substr(8, 4);
  for (const std::string_view photo :
       {"heic", "heix", "heim", "heis", "mif1", "avif"}) {
    if (brand == photo) {
      return "is a HEIC or AVIF photo, which is not read; convert it to JPEG "
             "or PNG";
    }
  }
  for (const std::string_view moving : {"hevc", "hevx", "msf1", "avis"}) {
    if (brand == moving) {
      return "is an animated HEIC or AVIF, which is not read; convert it to "
             "MP4 or GIF";
    }
  }
  return "";
}

}  // namespace pipelines::media
