// The frame that all pages share: style, title, subtitle.
#ifndef PIPELINES_REPORT_DOCUMENT_H_
#define PIPELINES_REPORT_DOCUMENT_H_

#include <string>

#include "absl/strings/string_view.h"

namespace pipelines {

// A page that needs nothing but itself. `title` and `subtitle` are plain text,
// `body` is HTML. It reloads itself every so many seconds; 0 is never.
std::string HtmlDocument(absl::string_view title, absl::string_view subtitle,
                         absl::string_view body, int reload_seconds);

}  // namespace pipelines

#endif  // PIPELINES_REPORT_DOCUMENT_H_
