// Text files as editors of other systems save them.
#ifndef NETWORKS_FILES_PLAIN_TEXT_H_
#define NETWORKS_FILES_PLAIN_TEXT_H_

#include <string>

namespace networks::files {

// `text` without a byte order mark of UTF-8 in front, and with "\n" for each
// "\r\n".
std::string PlainText(std::string text);

}  // namespace networks::files

#endif  // NETWORKS_FILES_PLAIN_TEXT_H_
