#include "pipelines/base/user_path.h"

#include <cstdlib>
#include <filesystem>
#include <initializer_list>

namespace pipelines {
namespace {

std::string Environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

}  // namespace

std::string UserPath(const std::string& path) {
  if (path.empty() || path[0] == '/') return path;
  if (path.rfind("~/", 0) == 0) return Environment("HOME") + path.substr(1);
  for (const char* name : {"CPAB_USER_DIRECTORY", "BUILD_WORKING_DIRECTORY"}) {
    const std::string folder = Environment(name);
    if (!folder.empty()) {
      return (std::filesystem::path(folder) / path).lexically_normal();
    }
  }
  return path;
}

std::string CacheFolder() {
  std::string cache = Environment("XDG_CACHE_HOME");
  if (cache.empty()) cache = Environment("HOME") + "/.cache";
  return cache + "/cpab_animation";
}

}  // namespace pipelines
