// Names of files as text: they may hold any bytes, and need not be UTF-8.
#ifndef NETWORKS_FILES_UTF8_H_
#define NETWORKS_FILES_UTF8_H_

#include <cstddef>
#include <string>

namespace networks::files {

bool IsUtf8(const std::string& text);

// The characters of `text` in UTF-8: its bytes but for those that continue one.
size_t NumCharacters(const std::string& text);

}  // namespace networks::files

#endif  // NETWORKS_FILES_UTF8_H_
