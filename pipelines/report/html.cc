#include "pipelines/report/html.h"

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "networks/files/utf8.h"

namespace pipelines {

std::string EscapeHtml(absl::string_view text) {
  const bool is_utf8 = networks::files::IsUtf8(std::string(text));
  std::string escaped;
  for (char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (!is_utf8 && byte >= 0x80) {
      absl::StrAppendFormat(&escaped, "\\x%02x", byte);
      continue;
    }
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      case '\'':
        escaped += "&#39;";
        break;
      default: {
        const bool forbidden = absl::ascii_iscntrl(c) && c != '\n' && c != '\t';
        escaped += forbidden ? ' ' : c;
      }
    }
  }
  return escaped;
}

std::string UrlOfPath(absl::string_view path) {
  std::string url;
  for (char c : path) {
    if (absl::ascii_isalnum(c) || absl::StrContains("-._~/", c)) {
      url += c;
    } else {
      absl::StrAppendFormat(&url, "%%%02X", static_cast<unsigned char>(c));
    }
  }
  // "a:b.png" would be read as the scheme a; the colon is encoded by now.
  return url;
}

}  // namespace pipelines
