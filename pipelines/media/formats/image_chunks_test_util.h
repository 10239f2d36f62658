// Chunks of image files, as tests put them together.
#ifndef PIPELINES_MEDIA_FORMATS_IMAGE_CHUNKS_TEST_UTIL_H_
#define PIPELINES_MEDIA_FORMATS_IMAGE_CHUNKS_TEST_UTIL_H_

#include <zlib.h>

#include <cstdint>
#include <string>

#include "pipelines/media/formats/bytes.h"

namespace pipelines::media {

// [PNG specification, 5.3]: length, type, data, checksum.
inline std::string PngChunk(const std::string& type, const std::string& data) {
  const std::string content = type + data;
  const uLong checksum =
      crc32(0, reinterpret_cast<const Bytef*>(content.data()),
            static_cast<uInt>(content.size()));
  return BigEndianBytes(static_cast<uint32_t>(data.size())) + content +
         BigEndianBytes(static_cast<uint32_t>(checksum));
}

// Of WebP: type, length, content, a byte to make it even.
inline std::string RiffChunk(const std::string& type, std::string content) {
  const auto size = static_cast<uint32_t>(content.size());
  if (size % 2 != 0) content += '\0';
  return type + LittleEndianBytes(size) + content;
}

}  // namespace pipelines::media

#endif  // PIPELINES_MEDIA_FORMATS_IMAGE_CHUNKS_TEST_UTIL_H_
