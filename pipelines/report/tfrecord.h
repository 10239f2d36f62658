// TFRecord, the container of TensorBoard's event files.
//
// A record: length (uint64), masked CRC-32C of the length, the bytes, masked
// CRC-32C of the bytes; little-endian.
#ifndef PIPELINES_REPORT_TFRECORD_H_
#define PIPELINES_REPORT_TFRECORD_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace pipelines {

// CRC-32C (Castagnoli) [RFC 3720, appendix B.4].
uint32_t Crc32c(absl::string_view bytes);

// `bytes` as one record.
std::string TfRecord(absl::string_view bytes);

// The records of a file's content up to the first that is cut off or damaged.
std::vector<std::string> ParseTfRecords(absl::string_view content);

}  // namespace pipelines

#endif  // PIPELINES_REPORT_TFRECORD_H_
