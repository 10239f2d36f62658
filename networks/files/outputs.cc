#include "networks/files/outputs.h"

#include <sys/stat.h>

#include <cerrno>
#include <map>
#include <optional>
#include <tuple>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "networks/files/folder.h"
#include "networks/files/path.h"
#include "networks/files/system_error.h"
#include "networks/files/temporary.h"
#include "third_party/absl/status_macros.h"

namespace networks::files {
namespace {

// What a path leads to: device and inode, and for something that is not there
// those of its folder and its name in it.
using Identity = std::tuple<dev_t, ino_t, std::string>;

std::optional<Identity> Identify(const std::string& path) {
  struct stat info;
  if (stat(path.c_str(), &info) == 0) {
    return Identity(info.st_dev, info.st_ino, "");
  }
  if (stat(FolderOf(path).c_str(), &info) == 0) {
    return Identity(info.st_dev, info.st_ino, BaseName(path));
  }
  return std::nullopt;
}

// By identity, the inputs and what lies in those that are folders.
std::map<Identity, std::string> IdentifyInputs(
    const std::vector<std::string>& inputs) {
  std::map<Identity, std::string> identified;
  const auto add = [&identified](const std::string& path) {
    struct stat info;
    if (stat(path.c_str(), &info) != 0) return false;
    identified.emplace(Identity(info.st_dev, info.st_ino, ""), path);
    return S_ISDIR(info.st_mode);
  };
  for (const std::string& input : inputs) {
    if (!add(input)) continue;
    const absl::StatusOr<std::vector<std::string>> names = ListFolder(input);
    if (!names.ok()) continue;
    for (const std::string& name : *names) add(absl::StrCat(input, "/", name));
  }
  return identified;
}

}  // namespace

absl::Status CheckOutputs(const PlannedOutputs& planned) {
  const auto inputs = IdentifyInputs(planned.inputs);
  std::map<Identity, std::string> outputs;
  const auto check = [&](const std::string& path, Temporary::Kind kind) {
    if (path.empty()) return absl::OkStatus();
    RETURN_IF_ERROR(CheckTarget(path, kind, planned.overwrite));
    const std::optional<Identity> identity = Identify(path);
    if (!identity) return SystemError(ENOENT, path, "write in its folder");
    if (const auto input = inputs.find(*identity); input != inputs.end()) {
      return absl::InvalidArgumentError(absl::StrCat(
          path, ": is the input ", input->second, "; name another output"));
    }
    const auto [other, is_new] = outputs.emplace(*identity, path);
    if (is_new) return absl::OkStatus();
    return absl::InvalidArgumentError(
        absl::StrCat(path, " and ", other->second,
                     " are one file; name two different outputs"));
  };
  for (const std::string& path : planned.files) {
    RETURN_IF_ERROR(check(path, Temporary::Kind::kFile));
  }
  for (const std::string& path : planned.folders) {
    RETURN_IF_ERROR(check(path, Temporary::Kind::kFolder));
  }
  return absl::OkStatus();
}

}  // namespace networks::files
