#include "pipelines/base/runfile.h"

#include <cstdlib>
#include <filesystem>
#include <system_error>
#include <vector>

namespace pipelines {

std::string RunfilePath(const std::string& path) {
  namespace fs = std::filesystem;
  std::error_code error;
  const std::string program = fs::read_symlink("/proc/self/exe", error);
  const char* folder = std::getenv("RUNFILES_DIR");
  std::vector<fs::path> roots = {program + ".runfiles/cpab_animation"};
  if (folder != nullptr) roots.push_back(fs::path(folder) / "cpab_animation");
  // An installed program lies in such a tree.
  for (fs::path above = fs::path(program).parent_path();
       above.has_relative_path(); above = above.parent_path()) {
    if (above.filename() == "cpab_animation") roots.push_back(above);
  }
  for (const fs::path& root : roots) {
    if (fs::exists(root / path, error)) return root / path;
  }
  return path;  // also right where Bazel starts tests and programs: in the root
}

}  // namespace pipelines
