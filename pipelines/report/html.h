// Text for HTML and SVG.
#ifndef PIPELINES_REPORT_HTML_H_
#define PIPELINES_REPORT_HTML_H_

#include <string>

#include "absl/strings/string_view.h"

namespace pipelines {

// Replaces &, <, >, " and ' so that `text` can stand anywhere in HTML; control
// characters that XML forbids become spaces. Names of files may hold any bytes:
// in text that is not UTF-8, those beyond ASCII become "\xe9".
std::string EscapeHtml(absl::string_view text);

// A relative path as a URL: everything but letters, digits and -._~/ is
// percent-encoded.
std::string UrlOfPath(absl::string_view path);

}  // namespace pipelines

#endif  // PIPELINES_REPORT_HTML_H_
