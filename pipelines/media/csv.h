// Tables as text, comma-separated.
#ifndef PIPELINES_MEDIA_CSV_H_
#define PIPELINES_MEDIA_CSV_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace pipelines::media {

struct CsvRow {
  int line;  // at which it begins, from 1
  std::vector<std::string> fields;
};

// Splits a table into its rows; empty lines and a byte order mark in front are
// left out. A quoted field may hold commas, line ends and doubled quotes, as
// RFC 4180 has it. InvalidArgument, naming `source` and line, for a quoted
// field that does not end; naming `source`, for text in UTF-16.
absl::StatusOr<std::vector<CsvRow>> SplitCsv(std::string_view csv,
                                             const std::string& source);

}  // namespace pipelines::media

#endif  // PIPELINES_MEDIA_CSV_H_
