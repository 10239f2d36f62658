#include "networks/files/plain_text.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

namespace networks::files {

std::string PlainText(std::string text) {
  constexpr absl::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (absl::StartsWith(text, kByteOrderMark)) {
    text.erase(0, kByteOrderMark.size());
  }
  absl::StrReplaceAll({{"\r\n", "\n"}}, &text);
  return text;
}

absl::Status CheckIsNotUtf16(absl::string_view source, absl::string_view text) {
  if (!absl::StartsWith(text, "\xFF\xFE") &&
      !absl::StartsWith(text, "\xFE\xFF")) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat(source, ": is text in UTF-16; save it as UTF-8"));
}

}  // namespace networks::files
