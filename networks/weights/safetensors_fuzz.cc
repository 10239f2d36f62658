// libFuzzer target of the safetensors reader. Build and run:
//
//   tools/bazelw build --config=fuzz //networks/weights:safetensors_fuzz
//   bazel-bin/networks/weights/safetensors_fuzz FOLDER
//       networks/weights/testdata
//
// FOLDER receives the inputs found; the other one holds the seeds.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "networks/weights/safetensors_header.h"

namespace networks::weights {
namespace {

void Require(bool condition) {
  if (!condition) std::abort();
}

// What ParseSafetensorsHeader promises of all that it accepts.
void CheckPromises(absl::string_view file, const SafetensorsHeader& header) {
  uint64_t bytes = 0;
  for (const auto& [name, entry] : header.tensors) {
    Require(entry.begin <= entry.end && entry.end <= file.size());
    uint64_t size = SafetensorsElementSize(entry.dtype);
    Require(size > 0);
    for (const int64_t length : entry.shape) size *= length;
    Require(size == entry.end - entry.begin);
    bytes += size;
  }
  Require(bytes <= file.size());
}

// What was read can be written, and is read again as it was.
void CheckRoundTrip(const SafetensorsHeader& header) {
  std::vector<SafetensorsField> fields;
  std::string data;
  for (const auto& [name, entry] : header.tensors) {
    fields.push_back({name, entry.dtype, entry.shape, entry.end - entry.begin});
    data.resize(data.size() + fields.back().byte_size);
  }
  const auto head = FormatSafetensorsHeader(fields, header.metadata);
  Require(head.ok());
  const auto again = ParseSafetensorsHeader(*head + data, "again");
  Require(again.ok());
  Require(again->metadata == header.metadata);
  Require(again->tensors.size() == header.tensors.size());
}

}  // namespace
}  // namespace networks::weights

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view file(reinterpret_cast<const char*>(data), size);
  const auto header = networks::weights::ParseSafetensorsHeader(file, "fuzz");
  if (!header.ok()) return 0;
  networks::weights::CheckPromises(file, *header);
  networks::weights::CheckRoundTrip(*header);
  return 0;
}
