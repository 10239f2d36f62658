#include "pipelines/report/html.h"

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace pipelines {

std::string EscapeHtml(absl::string_view text) {
  std::string escaped;
  for (char c : text) {
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
