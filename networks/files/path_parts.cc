#include "networks/files/path_parts.h"

#include <cstddef>

namespace networks::files {

std::string WithoutTrailingSlashes(const std::string& path) {
  const size_t end = path.find_last_not_of('/');
  if (end == std::string::npos) return path.substr(0, 1);
  return path.substr(0, end + 1);
}

std::string FolderOf(const std::string& path) {
  const std::string name = WithoutTrailingSlashes(path);
  const size_t slash = name.find_last_of('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : WithoutTrailingSlashes(name.substr(0, slash));
}

std::string BaseName(const std::string& path) {
  const std::string name = WithoutTrailingSlashes(path);
  return name.substr(name.find_last_of('/') + 1);
}

std::string Stem(const std::string& path) {
  const std::string name = BaseName(path);
  const size_t dot = name.find_last_of('.');
  return dot == std::string::npos || dot == 0 ? name : name.substr(0, dot);
}

}  // namespace networks::files
