// Makes zip archives in memory, valid ones and others, for tests.
#ifndef NETWORKS_WEIGHTS_ZIP_BUILDER_H_
#define NETWORKS_WEIGHTS_ZIP_BUILDER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/types/optional.h"

namespace networks::weights {

struct ZipItem {
  std::string name;
  std::string bytes;
  // What the headers say, where it is not the truth.
  uint16_t method = 0;
  uint16_t flags = 0;
  absl::optional<uint32_t> size;
  absl::optional<uint32_t> unpacked_size;
  absl::optional<uint32_t> crc32;
  // If set, the directory's entry points here instead of at its own header.
  absl::optional<uint32_t> offset;
};

// One of which the headers say the truth.
inline ZipItem Item(const std::string& name, const std::string& bytes) {
  ZipItem item;
  item.name = name;
  item.bytes = bytes;
  return item;
}

// An archive of the items in this order, without compression.
std::string BuildZip(const std::vector<ZipItem>& items);

}  // namespace networks::weights

#endif  // NETWORKS_WEIGHTS_ZIP_BUILDER_H_
