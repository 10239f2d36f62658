#include "pipelines/base/user_path.h"

#include <pwd.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <initializer_list>
#include <system_error>
#include <vector>

namespace pipelines {
namespace {

std::string Environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// Services and scheduled jobs may have no HOME; a user of a container may be in
// no list of users either.
std::string HomeFolder() {
  std::string home = Environment("HOME");
  if (!home.empty()) return home;
  std::vector<char> strings(size_t{1} << 14);
  passwd entry;
  passwd* found = nullptr;
  const int error =
      getpwuid_r(geteuid(), &entry, strings.data(), strings.size(), &found);
  if (error != 0 || found == nullptr || found->pw_dir == nullptr) return "";
  return found->pw_dir;
}

}  // namespace

std::string UserPath(const std::string& path) {
  if (path.empty() || path[0] == '/') return path;
  if (path.rfind("~/", 0) == 0) return HomeFolder() + path.substr(1);
  for (const char* name : {"CPAB_USER_DIRECTORY", "BUILD_WORKING_DIRECTORY"}) {
    const std::string folder = Environment(name);
    if (!folder.empty()) {
      return NormalPath(std::filesystem::path(folder) / path);
    }
  }
  return path;
}

std::string NormalPath(const std::string& path) {
  const std::filesystem::path normal =
      std::filesystem::path(path).lexically_normal();
  std::filesystem::path passed;
  std::error_code error;
  for (const std::filesystem::path& part : std::filesystem::path(path)) {
    if (part != "..") {
      if (part != "." && !part.empty()) passed /= part;
      continue;
    }
    if (std::filesystem::is_symlink(passed, error) &&
        !std::filesystem::equivalent(path, normal, error)) {
      return path;
    }
    passed = passed.parent_path();
  }
  return normal;
}

std::string CacheFolder() {
  std::string cache = Environment("XDG_CACHE_HOME");
  if (cache.empty()) cache = HomeFolder() + "/.cache";
  return cache + "/cpab_animation";
}

}  // namespace pipelines
