#include "tools/studio/http/byte_range.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"

namespace studio {
namespace {

// Digits alone: SimpleAtoi also takes signs and spaces.
bool ParseNumber(absl::string_view text, int64_t* value) {
  return !text.empty() &&
         text.find_first_not_of("0123456789") == absl::string_view::npos &&
         absl::SimpleAtoi(text, value);
}

}  // namespace

absl::StatusOr<std::optional<ByteRange>> ParseByteRange(
    absl::string_view header, int64_t size) {
  if (!absl::ConsumePrefix(&header, "bytes=")) return std::nullopt;
  if (absl::StrContains(header, ',')) {
    return absl::OutOfRangeError("one range at a time is served");
  }
  const std::pair<absl::string_view, absl::string_view> ends =
      absl::StrSplit(header, absl::MaxSplits('-', 1));
  if (!absl::StrContains(header, '-')) return std::nullopt;
  int64_t first = 0, last = 0;
  if (ends.first.empty()) {
    if (!ParseNumber(ends.second, &last)) return std::nullopt;
    first = std::max<int64_t>(0, size - last);
    last = size - 1;
  } else {
    if (!ParseNumber(ends.first, &first)) return std::nullopt;
    if (ends.second.empty()) {
      last = size - 1;
    } else if (!ParseNumber(ends.second, &last) || last < first) {
      return std::nullopt;
    }
  }
  if (first >= size) {
    return absl::OutOfRangeError("the range begins behind the end");
  }
  return ByteRange{first, std::min(last, size - 1) - first + 1};
}

}  // namespace studio
