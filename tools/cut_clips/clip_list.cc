#include "tools/cut_clips/clip_list.h"

#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "networks/files/path_parts.h"
#include "pipelines/media/csv.h"
#include "third_party/absl/status_macros.h"

namespace tools {
namespace {

using pipelines::media::CsvRow;

// Where each column that this tool knows stands in the table.
using Columns = std::map<std::string, size_t>;

Columns FindColumns(const std::vector<std::string>& header) {
  static const auto* const kSynonyms = new std::map<std::string, std::string>{
      {"video_id", "file"}, {"bbox", "box"}};
  Columns columns;
  for (size_t i = 0; i < header.size(); ++i) {
    std::string name(absl::StripAsciiWhitespace(header[i]));
    const auto synonym = kSynonyms->find(name);
    columns.emplace(synonym == kSynonyms->end() ? name : synonym->second, i);
  }
  return columns;
}

// Between spaces a dash is a sign, or between sides if it stands alone. Without
// spaces it always parts sides; one is empty where it was meant as a sign.
std::vector<absl::string_view> BoxSides(absl::string_view text) {
  if (!absl::StrContains(text, ' ')) return absl::StrSplit(text, '-');
  return absl::StrSplit(text, ' ', [](absl::string_view part) {
    return !part.empty() && part != "-";
  });
}

class RowReader {
 public:
  RowReader(const CsvRow& row, const Columns& columns,
            const std::string& source)
      : row_(row), columns_(columns), source_(source) {}

  // Empty if the table has no such column.
  std::string Text(const std::string& column) const {
    const auto place = columns_.find(column);
    if (place == columns_.end() || place->second >= row_.fields.size()) {
      return "";
    }
    return std::string(absl::StripAsciiWhitespace(row_.fields[place->second]));
  }

  // The row ends before this column.
  bool Lacks(const std::string& column) const {
    const auto place = columns_.find(column);
    return place != columns_.end() && place->second >= row_.fields.size();
  }

  absl::StatusOr<double> Number(const std::string& column,
                                double where_empty) const {
    if (Text(column).empty() && !Lacks(column)) return where_empty;
    double value = 0;
    if (!absl::SimpleAtod(Text(column), &value) || !std::isfinite(value)) {
      return Error(column, "a number is wanted");
    }
    return value;
  }

  absl::StatusOr<std::optional<cv::Rect>> Box() const {
    const std::string text = Text("box");
    if (text.empty()) return std::nullopt;
    std::vector<int> sides;
    for (const absl::string_view part : BoxSides(text)) {
      if (part.empty()) {
        return Error("box",
                     "write negative sides with spaces: -12 -30 240 280");
      }
      double side = 0;
      if (!absl::SimpleAtod(part, &side) || !(std::abs(side) < 1e6)) break;
      sides.push_back(static_cast<int>(std::lround(side)));
    }
    if (sides.size() != 4 || sides[2] <= sides[0] || sides[3] <= sides[1]) {
      return Error("box", "left-top-right-bottom in pixels is wanted");
    }
    return cv::Rect(cv::Point(sides[0], sides[1]),
                    cv::Point(sides[2], sides[3]));
  }

  absl::Status Error(const std::string& column,
                     const std::string& wanted) const {
    return absl::InvalidArgumentError(
        absl::StrCat(source_, ":", row_.line, ": column ", column, " is '",
                     Text(column), "'; ", wanted));
  }

 private:
  const CsvRow& row_;
  const Columns& columns_;
  const std::string& source_;
};

absl::StatusOr<ClipSpec> ParseRow(const CsvRow& row, const Columns& columns,
                                  const std::string& source) {
  const RowReader reader(row, columns, source);
  ClipSpec spec;
  spec.line = row.line;
  spec.file = reader.Text("file");
  if (spec.file.empty()) return reader.Error("file", "a file name is wanted");
  ASSIGN_OR_RETURN(spec.start, reader.Number("start", 0));
  ASSIGN_OR_RETURN(
      spec.end, reader.Number("end", std::numeric_limits<double>::infinity()));
  if (spec.start < 0) return reader.Error("start", "at least 0 is wanted");
  if (spec.end <= spec.start) {
    return reader.Error("end", "more than the start is wanted");
  }
  ASSIGN_OR_RETURN(spec.box, reader.Box());
  spec.partition = reader.Text("partition");
  if (spec.partition.empty()) spec.partition = "train";
  if (spec.partition != "train" && spec.partition != "test") {
    return reader.Error("partition", "train or test is wanted");
  }
  spec.name = reader.Text("name");
  if (spec.name.empty()) {
    spec.name = ClipName(spec.file, reader.Text("start"), reader.Text("end"));
  }
  if (spec.name.empty() || spec.name[0] == '.' ||
      spec.name.find('/') != std::string::npos) {
    return reader.Error("name", "a plain file name is wanted");
  }
  return spec;
}

}  // namespace

std::string ClipName(const std::string& file, const std::string& start,
                     const std::string& end) {
  const std::string stem = networks::files::Stem(file);
  if (start.empty() && end.empty()) return stem;
  return absl::StrCat(stem, "#", start.empty() ? "0" : start, "-",
                      end.empty() ? "end" : end);
}

absl::StatusOr<std::vector<ClipSpec>> ParseClipList(std::string_view csv,
                                                    const std::string& source) {
  ASSIGN_OR_RETURN(const std::vector<CsvRow> rows,
                   pipelines::media::SplitCsv(csv, source));
  const Columns columns =
      rows.empty() ? Columns() : FindColumns(rows[0].fields);
  for (const char* required : {"file", "start", "end"}) {
    if (columns.count(required) > 0) continue;
    return absl::InvalidArgumentError(absl::StrCat(
        source, ":1: there is no column ", required,
        "; the first line must name file, start and end, and may name box, "
        "name and partition"));
  }
  std::vector<ClipSpec> specs;
  std::set<std::pair<std::string, std::string>> names;
  for (size_t i = 1; i < rows.size(); ++i) {
    ASSIGN_OR_RETURN(ClipSpec spec, ParseRow(rows[i], columns, source));
    if (!names.emplace(spec.partition, spec.name).second) {
      return absl::InvalidArgumentError(
          absl::StrCat(source, ":", spec.line, ": a second clip is named ",
                       spec.name, "; tell them apart in a column name"));
    }
    specs.push_back(std::move(spec));
  }
  return specs;
}

}  // namespace tools
