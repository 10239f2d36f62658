#include "tools/studio/runs/table_follower.h"

#include <algorithm>
#include <cstddef>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "third_party/absl/status_macros.h"

namespace studio {
namespace {

// A run has some twenty columns; a line of them has a few hundred bytes.
constexpr size_t kMaxColumns = 256;
constexpr size_t kMaxName = 100;
constexpr int64_t kMaxLine = 64 << 10;
// The page counts in float64, in which 2^53 + 1 is 2^53.
constexpr int64_t kMaxStep = int64_t{1} << 53;

// A column's name as the page may show it.
std::string Printable(absl::string_view name) {
  std::string text(name.substr(0, kMaxName));
  for (char& c : text) {
    if (c < ' ' || c > '~') c = '?';
  }
  return text;
}

bool ReadStep(absl::string_view word, int64_t* step) {
  return absl::SimpleAtoi(word, step) && *step >= 0 && *step <= kMaxStep;
}

}  // namespace

absl::StatusOr<bool> TableFollower::WasReplaced(const SafeFile& file) const {
  if (!(file.identity() == identity_) || file.size() < offset_) return true;
  if (offset_ == 0) return false;
  // What was read ended with a line.
  ASSIGN_OR_RETURN(const std::string last, file.Read(offset_ - 1, 1));
  return last != "\n";
}

void TableFollower::Restart(FileIdentity identity) {
  identity_ = identity;
  offset_ = 0;
  columns_.clear();
  table_.reset();
  bad_lines_ = 0;
  has_endless_line_ = false;
}

absl::StatusOr<bool> TableFollower::Follow(const SafeFile& file,
                                           int64_t max_bytes) {
  ASSIGN_OR_RETURN(const bool was_replaced, WasReplaced(file));
  if (was_replaced) Restart(file.identity());
  ASSIGN_OR_RETURN(const std::string text,
                   file.Read(offset_, std::max(max_bytes, kMaxLine)));
  const size_t end = text.rfind('\n');
  // A line without an end is being written, unless it is too long for one.
  has_endless_line_ =
      end == std::string::npos && static_cast<int64_t>(text.size()) >= kMaxLine;
  if (end == std::string::npos) return true;
  const bool is_complete =
      offset_ + static_cast<int64_t>(text.size()) >= file.size();
  for (const absl::string_view line :
       absl::StrSplit(absl::string_view(text).substr(0, end), '\n')) {
    ReadLine(line);
  }
  offset_ += static_cast<int64_t>(end) + 1;
  return is_complete;
}

void TableFollower::ReadHeader(absl::string_view line) {
  // As Windows saves it. Numbers may have space behind them.
  absl::ConsumePrefix(&line, "\xEF\xBB\xBF");  // byte order mark
  absl::ConsumeSuffix(&line, "\r");
  const std::vector<absl::string_view> names = absl::StrSplit(line, ',');
  if (names.size() > kMaxColumns || names[0] != "step") {
    ++bad_lines_;
    return;
  }
  for (size_t i = 1; i < names.size(); ++i) {
    columns_.push_back(Printable(names[i]));
  }
  table_.emplace(static_cast<int>(columns_.size()), max_points_);
}

void TableFollower::ReadLine(absl::string_view line) {
  if (static_cast<int64_t>(line.size()) > kMaxLine) {
    ++bad_lines_;
    return;
  }
  if (!table_) {
    ReadHeader(line);
    return;
  }
  const std::vector<absl::string_view> words = absl::StrSplit(line, ',');
  std::vector<double> values(columns_.size());
  int64_t step = 0;
  bool is_good =
      words.size() == columns_.size() + 1 && ReadStep(words[0], &step);
  for (size_t i = 0; is_good && i < values.size(); ++i) {
    is_good = absl::SimpleAtod(words[i + 1], &values[i]);
  }
  if (!is_good || !table_->Add(step, values)) ++bad_lines_;
}

int64_t LastStepOf(const SafeFile& file) {
  const int64_t begin = std::max<int64_t>(file.size() - kMaxLine, 0);
  const absl::StatusOr<std::string> text = file.Read(begin, kMaxLine);
  if (!text.ok()) return -1;
  std::vector<absl::string_view> lines = absl::StrSplit(*text, '\n');
  lines.pop_back();  // what has no line end yet
  for (auto line = lines.rbegin(); line != lines.rend(); ++line) {
    int64_t step;
    if (ReadStep(line->substr(0, line->find(',')), &step)) return step;
  }
  return -1;
}

}  // namespace studio
