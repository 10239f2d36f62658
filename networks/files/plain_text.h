// Text files as editors of other systems save them.
#ifndef NETWORKS_FILES_PLAIN_TEXT_H_
#define NETWORKS_FILES_PLAIN_TEXT_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace networks::files {

// `text` without a byte order mark of UTF-8 in front, and with "\n" for each
// "\r\n".
std::string PlainText(std::string text);

// InvalidArgument, naming `source`, if `text` has a byte order mark of UTF-16
// in front.
absl::Status CheckIsNotUtf16(absl::string_view source, absl::string_view text);

}  // namespace networks::files

#endif  // NETWORKS_FILES_PLAIN_TEXT_H_
