#include "networks/weights/zip_builder.h"

#include <zlib.h>

namespace networks::weights {
namespace {

void Append16(std::string* bytes, uint32_t value) {
  bytes->push_back(static_cast<char>(value & 0xff));
  bytes->push_back(static_cast<char>(value >> 8 & 0xff));
}
void Append32(std::string* bytes, uint32_t value) {
  Append16(bytes, value & 0xffff);
  Append16(bytes, value >> 16);
}

// The fields that the local header and the directory's entry have in common.
void AppendFields(std::string* bytes, const ZipItem& item) {
  const uint32_t size = static_cast<uint32_t>(item.bytes.size());
  const uint32_t crc = static_cast<uint32_t>(
      crc32(0, reinterpret_cast<const Bytef*>(item.bytes.data()), size));
  Append16(bytes, 20);  // Version 2.0.
  Append16(bytes, item.flags);
  Append16(bytes, item.method);
  Append32(bytes, 0);  // Time and date.
  Append32(bytes, item.crc32.value_or(crc));
  Append32(bytes, item.size.value_or(size));
  Append32(bytes, item.unpacked_size.value_or(item.size.value_or(size)));
  Append16(bytes, static_cast<uint32_t>(item.name.size()));
  Append16(bytes, 0);  // No extra field.
}

}  // namespace

std::string BuildZip(const std::vector<ZipItem>& items) {
  std::string archive;
  std::string directory;
  for (const ZipItem& item : items) {
    const uint32_t offset = static_cast<uint32_t>(archive.size());
    archive += "PK\x03\x04";
    AppendFields(&archive, item);
    archive += item.name + item.bytes;
    directory += "PK\x01\x02";
    Append16(&directory, 20);
    AppendFields(&directory, item);
    Append16(&directory, 0);  // No comment.
    Append32(&directory, 0);  // First disk, no attributes.
    Append32(&directory, 0);
    Append32(&directory, item.offset.value_or(offset));
    directory += item.name;
  }
  const uint32_t begin = static_cast<uint32_t>(archive.size());
  archive += directory + "PK\x05\x06";
  Append32(&archive, 0);  // One disk.
  Append16(&archive, static_cast<uint32_t>(items.size()));
  Append16(&archive, static_cast<uint32_t>(items.size()));
  Append32(&archive, static_cast<uint32_t>(directory.size()));
  Append32(&archive, begin);
  Append16(&archive, 0);  // No comment.
  return archive;
}

}  // namespace networks::weights
