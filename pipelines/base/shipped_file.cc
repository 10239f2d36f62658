#include "pipelines/base/shipped_file.h"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "networks/files/folder.h"
#include "pipelines/base/runfile.h"
#include "pipelines/base/user_path.h"

namespace pipelines {
namespace {

namespace fs = std::filesystem;

constexpr char kEnding[] = ".textproto";

std::string ShippedNames(const std::string& folder) {
  std::vector<std::string> names;
  for (const std::string& name : networks::files::ListFolder(folder).value_or(
           std::vector<std::string>())) {
    const fs::path path = name;
    if (path.extension() == kEnding) names.push_back(path.stem());
  }
  std::sort(names.begin(), names.end());
  return absl::StrJoin(names, ", ");
}

}  // namespace

absl::StatusOr<std::string> ShippedOrUserFile(const std::string& kind,
                                              const std::string& folder,
                                              const std::string& name) {
  std::error_code error;
  const std::string shipped = RunfilePath(folder + "/" + name + kEnding);
  if (fs::exists(shipped, error)) return shipped;
  const std::string path = UserPath(name);
  if (fs::exists(fs::symlink_status(path, error))) return path;
  return absl::NotFoundError(
      absl::StrCat(path, ": there is no such ", kind,
                   " file. Shipped ones are named without an ending: ",
                   ShippedNames(RunfilePath(folder))));
}

}  // namespace pipelines
