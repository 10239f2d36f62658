// The boxes of mp4 and mov files. Private to pipelines/media.
#ifndef PIPELINES_MEDIA_FORMATS_MP4_BOXES_H_
#define PIPELINES_MEDIA_FORMATS_MP4_BOXES_H_

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <string>

#include "pipelines/media/formats/byte_reader.h"

namespace pipelines::media {

// The content of a box; begin == end where there is none.
struct Mp4Box {
  int64_t begin = 0;
  int64_t end = 0;

  bool is_there() const { return begin < end; }
};

// [ISO 14496-12] The next box of this type in `parent`, behind `after`.
inline Mp4Box NextBox(ByteReader& file, const Mp4Box& parent,
                      const std::string& type, int64_t after) {
  int64_t at = after;
  while (at + 8 <= parent.end) {
    uint64_t size = file.BigEndian(at, 4);
    int64_t header = 8;
    if (size == 1) {
      size = file.BigEndian(at + 8, 8);
      header = 16;
    }
    const int64_t end = size == 0 ? parent.end : at + Bounded(size);
    if (end < at + header) return {};
    if (file.Bytes(at + 4, 4) == type) {
      return {at + header, std::min(end, parent.end)};
    }
    at = end;
  }
  return {};
}

// The first box that this path of types leads to.
inline Mp4Box FindBox(ByteReader& file, Mp4Box parent,
                      std::initializer_list<const char*> path) {
  for (const char* type : path) {
    parent = NextBox(file, parent, type, parent.begin);
  }
  return parent;
}

}  // namespace pipelines::media

#endif  // PIPELINES_MEDIA_FORMATS_MP4_BOXES_H_
