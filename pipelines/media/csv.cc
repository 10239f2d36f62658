#include "pipelines/media/csv.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "networks/files/plain_text.h"
#include "third_party/absl/status_macros.h"

namespace pipelines::media {

absl::StatusOr<std::vector<CsvRow>> SplitCsv(std::string_view csv,
                                             const std::string& source) {
  RETURN_IF_ERROR(
      networks::files::CheckIsNotUtf16(source, {csv.data(), csv.size()}));
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  if (csv.substr(0, kByteOrderMark.size()) == kByteOrderMark) {
    csv.remove_prefix(kByteOrderMark.size());
  }
  std::vector<CsvRow> rows;
  CsvRow row{1, {""}};
  int line = 1;
  int quote_line = 0;
  bool quoted = false;
  const auto end_row = [&] {
    if (row.fields.size() > 1 || !row.fields[0].empty()) rows.push_back(row);
    row = CsvRow{line, {""}};
  };
  for (size_t i = 0; i < csv.size(); ++i) {
    const char c = csv[i];
    if (c == '\n') ++line;
    if (quoted && c == '"' && i + 1 < csv.size() && csv[i + 1] == '"') {
      row.fields.back() += csv[++i];
    } else if (c == '"') {
      quoted = !quoted;
      quote_line = line;
    } else if (!quoted && c == ',') {
      row.fields.emplace_back();
    } else if (!quoted && c == '\n') {
      end_row();
    } else if (c != '\r') {
      row.fields.back() += c;
    }
  }
  if (quoted) {
    return absl::InvalidArgumentError(absl::StrCat(
        source, ":", quote_line, ": a quote opens here that does not close"));
  }
  end_row();
  return rows;
}

}  // namespace pipelines::media
