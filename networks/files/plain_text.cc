#include "networks/files/plain_text.h"

#include "absl/strings/match.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"

namespace networks::files {

std::string PlainText(std::string text) {
  constexpr absl::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (absl::StartsWith(text, kByteOrderMark)) {
    text.erase(0, kByteOrderMark.size());
  }
  absl::StrReplaceAll({{"\r\n", "\n"}}, &text);
  return text;
}

}  // namespace networks::files
