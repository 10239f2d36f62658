#include "pipelines/report/tfrecord.h"

#include <isa-l/crc.h>

#include <algorithm>

namespace pipelines {
namespace {

constexpr size_t kLengthBytes = 8;
constexpr size_t kChecksumBytes = 4;

void AppendLittleEndian(uint64_t value, size_t num_bytes, std::string& bytes) {
  for (size_t i = 0; i < num_bytes; ++i) {
    bytes.push_back(static_cast<char>(value >> (8 * i)));
  }
}

uint64_t LittleEndian(absl::string_view bytes) {
  uint64_t value = 0;
  for (size_t i = bytes.size(); i-- > 0;) {
    value = value << 8 | static_cast<uint8_t>(bytes[i]);
  }
  return value;
}

// TensorFlow rotates and shifts checksums, because the checksum of data that
// contains its own checksum is a constant.
uint32_t MaskedCrc32c(absl::string_view bytes) {
  const uint32_t crc = Crc32c(bytes);
  return (crc >> 15 | crc << 17) + 0xA282EAD8u;
}

bool HasChecksum(absl::string_view bytes, absl::string_view checksum) {
  return LittleEndian(checksum) == MaskedCrc32c(bytes);
}

}  // namespace

uint32_t Crc32c(absl::string_view bytes) {
  // ISA-L takes the length as an int and, though it only reads, no const.
  constexpr size_t kMaxLength = size_t{1} << 30;
  uint32_t crc = ~0u;
  while (!bytes.empty()) {
    const size_t length = std::min(bytes.size(), kMaxLength);
    auto* data =
        reinterpret_cast<unsigned char*>(const_cast<char*>(bytes.data()));
    crc = crc32_iscsi(data, static_cast<int>(length), crc);
    bytes.remove_prefix(length);
  }
  return ~crc;
}

std::string TfRecord(absl::string_view bytes) {
  std::string record;
  record.reserve(kLengthBytes + bytes.size() + 2 * kChecksumBytes);
  AppendLittleEndian(bytes.size(), kLengthBytes, record);
  AppendLittleEndian(MaskedCrc32c(record), kChecksumBytes, record);
  record.append(bytes.data(), bytes.size());
  AppendLittleEndian(MaskedCrc32c(bytes), kChecksumBytes, record);
  return record;
}

std::vector<std::string> ParseTfRecords(absl::string_view content) {
  std::vector<std::string> records;
  while (content.size() >= kLengthBytes + 2 * kChecksumBytes) {
    const absl::string_view length_bytes = content.substr(0, kLengthBytes);
    const uint64_t length = LittleEndian(length_bytes);
    content.remove_prefix(kLengthBytes);
    if (!HasChecksum(length_bytes, content.substr(0, kChecksumBytes))) break;
    content.remove_prefix(kChecksumBytes);
    if (content.size() < kChecksumBytes ||
        content.size() - kChecksumBytes < length) {
      break;
    }
    const absl::string_view bytes = content.substr(0, length);
    content.remove_prefix(length);
    if (!HasChecksum(bytes, content.substr(0, kChecksumBytes))) break;
    content.remove_prefix(kChecksumBytes);
    records.emplace_back(bytes);
  }
  return records;
}

}  // namespace pipelines
