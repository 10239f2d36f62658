// Numbers at any place of a file, for looking into containers. Private to
// pipelines/media.
#ifndef PIPELINES_MEDIA_FORMATS_BYTE_READER_H_
#define PIPELINES_MEDIA_FORMATS_BYTE_READER_H_

#include <algorithm>
#include <cstdint>
#include <istream>
#include <optional>
#include <string>

#include "pipelines/media/formats/bytes.h"

namespace pipelines::media {

// Random access by bytes; what lies beyond the end reads as zeros.
class ByteReader {
 public:
  explicit ByteReader(std::istream& file) : file_(file) {
    file_.clear();
    file_.seekg(0, std::ios::end);
    size_ = file_.tellg();
  }

  int64_t size() const { return size_; }

  std::string Bytes(int64_t at, int count) {
    if (count > kBlockBytes) return Read(at, count);
    // Tables are read number by number.
    if (block_.empty() || at < block_at_ ||
        at - block_at_ > kBlockBytes - count) {
      block_ = Read(at, kBlockBytes);
      block_at_ = at;
    }
    return block_.substr(static_cast<size_t>(at - block_at_),
                         static_cast<size_t>(count));
  }

  uint64_t BigEndian(int64_t at, int count) {
    return media::BigEndian(Bytes(at, count), 0, count);
  }

  uint64_t LittleEndian(int64_t at, int count) {
    return media::LittleEndian(Bytes(at, count), 0, count);
  }

 private:
  static constexpr int kBlockBytes = 1024;

  std::string Read(int64_t at, int count) {
    std::string bytes(static_cast<size_t>(count), '\0');
    if (at >= size_) return bytes;
    file_.clear();
    file_.seekg(at);
    file_.read(bytes.data(), count);
    return bytes;
  }

  std::istream& file_;
  int64_t size_ = 0;
  std::string block_;  // from byte block_at_ on
  int64_t block_at_ = 0;
};

// Sizes near 2^63 are damage; a petabyte is beyond any file and adds safely.
inline int64_t Bounded(uint64_t size) {
  return static_cast<int64_t>(std::min(size, uint64_t{1} << 50));
}

// [RFC 8794] A number's length follows from its leading zero bits. `value`
// is empty when all its bits are 1: unknown.
struct EbmlNumber {
  int length = 0;
  std::optional<int64_t> value;
};

inline EbmlNumber ReadEbmlNumber(ByteReader& file, int64_t at) {
  const uint64_t first = file.BigEndian(at, 1);
  int length = 1;
  while (length < 8 && !(first & (0x80u >> (length - 1)))) ++length;
  const uint64_t mask = (uint64_t{1} << (7 * length)) - 1;
  const uint64_t value = file.BigEndian(at, length) & mask;
  if (value == mask) return {length, std::nullopt};
  return {length, Bounded(value)};
}

}  // namespace pipelines::media

#endif  // PIPELINES_MEDIA_FORMATS_BYTE_READER_H_
