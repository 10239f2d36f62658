// Whole numbers as bytes of a file, in either order. Private to
// pipelines/media.
#ifndef PIPELINES_MEDIA_FORMATS_BYTES_H_
#define PIPELINES_MEDIA_FORMATS_BYTES_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace pipelines::media {

// The byte at a place, 0 beyond the end.
inline uint32_t Byte(std::string_view bytes, size_t at) {
  return at < bytes.size() ? static_cast<unsigned char>(bytes[at]) : 0;
}

// The number that `count` bytes, at most 8, from `at` on make up.
inline uint64_t BigEndian(std::string_view bytes, size_t at, int count) {
  uint64_t value = 0;
  for (int i = 0; i < count; ++i) value = value << 8 | Byte(bytes, at + i);
  return value;
}

inline uint64_t LittleEndian(std::string_view bytes, size_t at, int count) {
  uint64_t value = 0;
  for (int i = count; i-- > 0;) value = value << 8 | Byte(bytes, at + i);
  return value;
}

// The four bytes of a number, the highest first.
inline std::string BigEndianBytes(uint32_t value) {
  return {static_cast<char>(value >> 24), static_cast<char>(value >> 16),
          static_cast<char>(value >> 8), static_cast<char>(value)};
}

// The lowest first.
inline std::string LittleEndianBytes(uint32_t value) {
  const std::string bytes = BigEndianBytes(value);
  return {bytes.rbegin(), bytes.rend()};
}

// The three lower bytes of a number, the lowest first.
inline std::string ThreeBytes(int value) {
  return LittleEndianBytes(static_cast<uint32_t>(value)).substr(0, 3);
}

}  // namespace pipelines::media

#endif  // PIPELINES_MEDIA_FORMATS_BYTES_H_
