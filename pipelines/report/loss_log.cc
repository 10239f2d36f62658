#include "pipelines/report/loss_log.h"

#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "networks/files/append_file.h"
#include "networks/files/atomic_file.h"
#include "networks/files/plain_text.h"
#include "networks/files/read_file.h"
#include "third_party/absl/status_macros.h"

namespace pipelines {

using networks::files::AppendFile;

namespace {

std::string HeaderLine(const std::vector<std::string>& columns) {
  return columns.empty()
             ? "step\n"
             : absl::StrCat("step,", absl::StrJoin(columns, ","), "\n");
}

// The whole content, also as Windows saves it; empty if there is no such file.
absl::StatusOr<std::string> ContentOf(const std::string& path) {
  networks::files::ReadOptions options;
  options.max_bytes = int64_t{1} << 32;  // some hundred bytes a step
  absl::StatusOr<std::string> content =
      networks::files::ReadFile(path, options);
  if (absl::IsNotFound(content.status())) return std::string();
  RETURN_IF_ERROR(content.status());
  return networks::files::PlainText(*std::move(content));
}

// The lines that end with a line end; what follows the last one was cut off.
std::vector<absl::string_view> WholeLines(absl::string_view text) {
  std::vector<absl::string_view> lines = absl::StrSplit(text, '\n');
  lines.pop_back();
  return lines;
}

bool ParseLine(absl::string_view line, std::vector<double>& values) {
  values.clear();
  for (absl::string_view word : absl::StrSplit(line, ',')) {
    double value;
    if (!absl::SimpleAtod(word, &value)) return false;
    values.push_back(value);
  }
  return true;
}

// What columns are called in tables of earlier programs, and what now.
constexpr struct {
  absl::string_view former, now;
} kRenamed[] = {{"parts_in_use", "transforms_in_use"}};

absl::string_view CurrentName(absl::string_view column) {
  for (const auto& [former, now] : kRenamed) {
    if (column == former) return now;
  }
  return column;
}

std::vector<std::string> ColumnsOf(absl::string_view header) {
  std::vector<std::string> columns;
  for (absl::string_view column : absl::StrSplit(header, ',')) {
    columns.emplace_back(CurrentName(column));
  }
  return columns;
}

// `text` without the steps above `last_step`.
absl::StatusOr<std::string> Truncated(const std::string& path,
                                      const std::string& text,
                                      const std::string& header,
                                      int64_t last_step) {
  const std::vector<absl::string_view> lines = WholeLines(text);
  if (lines.empty()) return header;
  if (absl::StrCat(absl::StrJoin(ColumnsOf(lines[0]), ","), "\n") != header) {
    return absl::FailedPreconditionError(
        absl::StrCat(path, ": has the columns '", lines[0], "'; this run has '",
                     header.substr(0, header.size() - 1), "'"));
  }
  std::string kept = header;
  std::vector<double> values;
  for (size_t i = 1; i < lines.size(); ++i) {
    if (!ParseLine(lines[i], values)) {
      return absl::InvalidArgumentError(
          absl::StrCat(path, ":", i + 1,
                       ": is not a line of numbers; mend it, or move the file "
                       "away to begin a new table"));
    }
    if (values[0] <= static_cast<double>(last_step)) {
      absl::StrAppend(&kept, lines[i], "\n");
    }
  }
  return kept;
}

}  // namespace

LossLog::LossLog(std::string path, size_t num_columns, AppendFile file)
    : path_(std::move(path)),
      num_columns_(num_columns),
      file_(std::move(file)) {}

absl::StatusOr<LossLog> LossLog::Open(const std::string& path,
                                      const std::vector<std::string>& columns,
                                      int64_t resume_step) {
  const std::string header = HeaderLine(columns);
  std::string content = header;
  if (resume_step >= 0) {
    ASSIGN_OR_RETURN(const std::string text, ContentOf(path));
    ASSIGN_OR_RETURN(content, Truncated(path, text, header, resume_step));
  }
  RETURN_IF_ERROR(networks::files::WriteAtomically(path, content));
  ASSIGN_OR_RETURN(AppendFile file,
                   AppendFile::Open(path, AppendFile::Start::kContinue));
  return LossLog(path, columns.size(), std::move(file));
}

absl::Status LossLog::Add(int64_t step, const std::vector<double>& values) {
  if (values.size() != num_columns_) {
    return absl::InvalidArgumentError(absl::StrCat(
        path_, ": a line has ", num_columns_, " values, not ", values.size()));
  }
  std::string line = absl::StrCat(step);
  for (double value : values) absl::StrAppendFormat(&line, ",%.9g", value);
  line += '\n';
  return file_.Append(line);
}

absl::StatusOr<std::vector<Series>> ReadLossLog(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string text, ContentOf(path));
  const std::vector<absl::string_view> lines = WholeLines(text);
  if (lines.empty()) {
    return absl::NotFoundError(absl::StrCat(path, ": is not there or empty"));
  }
  std::vector<Series> series;
  for (std::string& name : ColumnsOf(lines[0])) {
    series.push_back({std::move(name), {}, {}});
  }
  std::vector<double> values;
  for (size_t i = 1; i < lines.size(); ++i) {
    if (!ParseLine(lines[i], values) || values.size() != series.size()) {
      return absl::InvalidArgumentError(absl::StrCat(
          path, ":", i + 1, ": needs ", series.size(), " numbers"));
    }
    for (size_t column = 1; column < series.size(); ++column) {
      series[column].x.push_back(values[0]);
      series[column].y.push_back(values[column]);
    }
  }
  series.erase(series.begin());  // the steps are every series' x
  return series;
}

}  // namespace pipelines
