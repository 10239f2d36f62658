#include "tools/studio/http/request.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "third_party/absl/status_macros.h"

namespace studio {
namespace {

absl::Status BadTarget(absl::string_view what) {
  return absl::InvalidArgumentError(
      absl::StrCat("the address of the request ", what));
}

bool IsPlain(char c) { return c >= 0x20 && c <= 0x7e && c != '\\'; }

// Decodes "%41"; with `is_query`, "+" is a space.
absl::StatusOr<std::string> Decode(absl::string_view text, bool is_query) {
  std::string decoded;
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '+' && is_query) c = ' ';
    if (c == '%') {
      int value = 0;
      if (i + 2 >= text.size() ||
          !absl::ascii_isxdigit(static_cast<unsigned char>(text[i + 1])) ||
          !absl::ascii_isxdigit(static_cast<unsigned char>(text[i + 2])) ||
          !absl::SimpleHexAtoi(text.substr(i + 1, 2), &value)) {
        return BadTarget("has a % without two hexadecimal digits");
      }
      c = static_cast<char>(value);
      i += 2;
    }
    if (!IsPlain(c)) return BadTarget("has a character that is not allowed");
    decoded += c;
  }
  return decoded;
}

absl::StatusOr<std::vector<std::string>> ParsePath(absl::string_view path) {
  std::vector<std::string> segments;
  path.remove_prefix(1);
  if (path.empty()) return segments;
  for (const absl::string_view part : absl::StrSplit(path, '/')) {
    ASSIGN_OR_RETURN(std::string segment, Decode(part, /*is_query=*/false));
    if (segment.empty() || segment == "." || segment == "..") {
      return BadTarget("has an empty, . or .. part");
    }
    segments.push_back(std::move(segment));
  }
  return segments;
}

}  // namespace

absl::StatusOr<Target> ParseTarget(absl::string_view target) {
  if (target.size() > kMaxTargetBytes) return BadTarget("is too long");
  if (!absl::StartsWith(target, "/")) {
    return BadTarget("has to begin with a slash");
  }
  Target parsed;
  const size_t question = target.find('?');
  ASSIGN_OR_RETURN(parsed.path, ParsePath(target.substr(0, question)));
  if (question == absl::string_view::npos) return parsed;
  for (const absl::string_view pair :
       absl::StrSplit(target.substr(question + 1), '&', absl::SkipEmpty())) {
    const std::pair<absl::string_view, absl::string_view> parts =
        absl::StrSplit(pair, absl::MaxSplits('=', 1));
    ASSIGN_OR_RETURN(std::string name, Decode(parts.first, /*is_query=*/true));
    ASSIGN_OR_RETURN(std::string value,
                     Decode(parts.second, /*is_query=*/true));
    if (!parsed.query.emplace(std::move(name), std::move(value)).second) {
      return BadTarget("states a value twice");
    }
  }
  return parsed;
}

absl::string_view Request::Header(absl::string_view lower_case_name) const {
  const auto found = headers.find(lower_case_name);
  return found == headers.end() ? absl::string_view() : found->second;
}

}  // namespace studio
