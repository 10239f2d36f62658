#include "networks/files/folder.h"

#include <dirent.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstddef>
#include <filesystem>
#include <system_error>

#include "absl/cleanup/cleanup.h"
#include "networks/files/path_parts.h"
#include "networks/files/system_error.h"

namespace networks::files {
namespace {

// Digit runs compare by their value, all else by character.
bool NaturalLess(const std::string& a, const std::string& b) {
  size_t i = 0, j = 0;
  while (i < a.size() && j < b.size()) {
    if (!std::isdigit(static_cast<unsigned char>(a[i])) ||
        !std::isdigit(static_cast<unsigned char>(b[j]))) {
      if (a[i] != b[j]) return a[i] < b[j];
      ++i, ++j;
      continue;
    }
    const auto digits = [](const std::string& text, size_t& at) {
      while (at < text.size() && text[at] == '0') ++at;
      const size_t begin = at;
      while (at < text.size() &&
             std::isdigit(static_cast<unsigned char>(text[at]))) {
        ++at;
      }
      return text.substr(begin, at - begin);
    };
    const std::string x = digits(a, i), y = digits(b, j);
    if (x.size() != y.size()) return x.size() < y.size();
    if (x != y) return x < y;
  }
  if (a.size() - i != b.size() - j) return a.size() - i < b.size() - j;
  return a < b;  // 01 and 1: any order, but always the same
}

}  // namespace

absl::Status MakeFolder(const std::string& path) {
  std::error_code error;
  // create_directories takes a slash at the end for one more folder.
  std::filesystem::create_directories(WithoutTrailingSlashes(path), error);
  if (!error) return absl::OkStatus();
  return SystemError(error, path, "make this folder");
}

absl::StatusOr<std::vector<std::string>> ListFolder(const std::string& folder) {
  DIR* const directory = opendir(folder.c_str());
  if (directory == nullptr) {
    return SystemError(errno, folder, "list this folder");
  }
  const absl::Cleanup closer = [directory] { closedir(directory); };
  std::vector<std::string> names;
  while (true) {
    errno = 0;  // readdir sets it only on an error
    const dirent* const entry = readdir(directory);
    if (entry == nullptr && errno != 0) {
      return SystemError(errno, folder, "list this folder");
    }
    if (entry == nullptr) break;
    if (entry->d_name[0] != '.') names.push_back(entry->d_name);
  }
  std::sort(names.begin(), names.end(), NaturalLess);
  return names;
}

}  // namespace networks::files
