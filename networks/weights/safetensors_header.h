// The head of a safetensors file: which tensors it holds, and where. Without
// LibTorch; networks/weights/safetensors.h makes tensors of it.
//
// A file is: the JSON's length (8 bytes, little-endian), the JSON, the data:
//
//   {"__metadata__": {"key": "value"},
//    "conv.weight": {"dtype": "F32", "shape": [8, 3], "data_offsets": [0, 96]}}
//
// Offsets count bytes from the end of the JSON.
// Format: https://github.com/huggingface/safetensors
#ifndef NETWORKS_WEIGHTS_SAFETENSORS_HEADER_H_
#define NETWORKS_WEIGHTS_SAFETENSORS_HEADER_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace networks::weights {

struct SafetensorsEntry {
  std::string dtype;           // As written in the file: "F32", "I64", ...
  std::vector<int64_t> shape;  // Empty: a scalar.
  // Bytes of the file (not of its data part) that hold the elements, row-major.
  uint64_t begin = 0;
  uint64_t end = 0;
};

struct SafetensorsHeader {
  std::map<std::string, SafetensorsEntry> tensors;
  std::map<std::string, std::string> metadata;
};

// Bytes of one element, or 0 if the format knows no such dtype.
int64_t SafetensorsElementSize(absl::string_view dtype);

// Reads and validates the head of a file. What comes back is safe to use:
// every shape and dtype agrees with its range of bytes, and the ranges cover
// the data part of `file` without gap or overlap.
//
// file:  the contents of the whole file.
// path:  for messages only.
//
// InvalidArgument names path, tensor and reason. Memory is proportional to the
// header's true length, whatever it claims; one of more than 16 MB is refused.
absl::StatusOr<SafetensorsHeader> ParseSafetensorsHeader(
    absl::string_view file, absl::string_view path);

// One tensor to be written; `byte_size` as of its dtype and shape.
struct SafetensorsField {
  std::string name;
  std::string dtype;
  std::vector<int64_t> shape;
  uint64_t byte_size = 0;
};

// The head (length and JSON) of a file whose data part holds the fields in the
// given order. Padded so that the data part starts at a multiple of 8.
// InvalidArgument if a name is not UTF-8, is given twice or is "__metadata__",
// and for more metadata than ParseSafetensorsHeader reads.
absl::StatusOr<std::string> FormatSafetensorsHeader(
    const std::vector<SafetensorsField>& fields,
    const std::map<std::string, std::string>& metadata);

}  // namespace networks::weights

#endif  // NETWORKS_WEIGHTS_SAFETENSORS_HEADER_H_
