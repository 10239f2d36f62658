#include "pipelines/base/runfile.h"

#include <cstdlib>
#include <filesystem>
#include <system_error>

namespace pipelines {

std::string RunfilePath(const std::string& path) {
  namespace fs = std::filesystem;
  std::error_code error;
  const std::string program = fs::read_symlink("/proc/self/exe", error);
  const char* folder = std::getenv("RUNFILES_DIR");
  for (const std::string& root :
       {program + ".runfiles", std::string(folder == nullptr ? "" : folder)}) {
    if (root.empty()) continue;
    const fs::path candidate = fs::path(root) / "cpab_animation" / path;
    if (fs::exists(candidate, error)) return candidate;
  }
  return path;  // also right where Bazel starts tests and programs: in the root
}

}  // namespace pipelines
