#include "networks/files/outputs.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "networks/files/folder.h"
#include "networks/files/path_parts.h"
#include "networks/files/system_error.h"
#include "networks/files/temporary.h"
#include "third_party/absl/status_macros.h"

namespace networks::files {
namespace {

// Where a path lies: the nearest folder that is there, or what has the path's
// own name, and what of the path is missing.
struct Place {
  struct stat info;
  std::string path;
  std::string missing;
};

std::optional<Place> Find(const std::string& path) {
  Place place;
  place.path = path;
  while (stat(place.path.c_str(), &place.info) != 0) {
    const std::string folder = FolderOf(place.path);
    if (folder == place.path) return std::nullopt;
    const std::string name = BaseName(place.path);
    place.missing =
        place.missing.empty() ? name : absl::StrCat(name, "/", place.missing);
    place.path = folder;
  }
  return place;
}

// What a path leads to: device and inode, and for something that is not there
// those of the nearest folder and the path below it.
using Identity = std::tuple<dev_t, ino_t, std::string>;

Identity IdentityOf(const Place& place) {
  return {place.info.st_dev, place.info.st_ino, place.missing};
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
    for (const std::string& name : *names) {
      add(std::filesystem::path(input) / name);
    }
  }
  return identified;
}

enum class OutputKind { kFile, kFileInNewFolder, kWholeFolder, kFilledFolder };

bool IsFolder(OutputKind kind) {
  return kind == OutputKind::kWholeFolder || kind == OutputKind::kFilledFolder;
}

absl::Status CheckName(const std::string& path, OutputKind kind,
                       bool overwrite) {
  const absl::Status status = CheckTarget(
      path, IsFolder(kind) ? Temporary::Kind::kFolder : Temporary::Kind::kFile,
      overwrite);
  const bool may_hold_files = kind == OutputKind::kFilledFolder && overwrite;
  return may_hold_files && absl::IsAlreadyExists(status) ? absl::OkStatus()
                                                         : status;
}

// Whether `path` is another user's in a folder like /tmp, where only its owner
// can replace it.
bool IsKeptByFolder(const std::string& path, const struct stat& folder) {
  struct stat info;
  return (folder.st_mode & S_ISVTX) != 0 && geteuid() != 0 &&
         folder.st_uid != geteuid() &&
         lstat(WithoutTrailingSlashes(path).c_str(), &info) == 0 &&
         info.st_uid != geteuid();
}

// Whether a file or folder can be made at `path`, whose name is free to take.
absl::Status CheckFolder(const std::string& path, OutputKind kind) {
  constexpr char kAction[] = "write in its folder";
  const std::optional<Place> parent = Find(FolderOf(path));
  if (!parent) return SystemError(ENOENT, path, kAction);
  if (kind == OutputKind::kFile && !parent->missing.empty()) {
    return absl::NotFoundError(absl::StrCat(path, ": there is no folder ",
                                            FolderOf(path), "; make it first"));
  }
  if (!S_ISDIR(parent->info.st_mode)) {
    return SystemError(ENOTDIR, path, kAction);
  }
  if (faccessat(AT_FDCWD, parent->path.c_str(), W_OK | X_OK, AT_EACCESS) != 0) {
    return SystemError(errno, path, kAction);
  }
  if (kind != OutputKind::kFilledFolder && parent->missing.empty() &&
      IsKeptByFolder(path, parent->info)) {
    return SystemError(EPERM, path, "replace what another user owns");
  }
  return absl::OkStatus();
}

// Takes one output after the other.
class Checker {
 public:
  explicit Checker(const PlannedOutputs& planned)
      : overwrite_(planned.overwrite),
        inputs_(IdentifyInputs(planned.inputs)) {}

  absl::Status Check(const std::string& path, OutputKind kind) {
    if (path.empty()) return absl::OkStatus();
    RETURN_IF_ERROR(CheckName(path, kind, overwrite_));
    RETURN_IF_ERROR(CheckFolder(path, kind));
    const std::optional<Place> place = Find(path);
    if (!place) return SystemError(ENOENT, path, "look up the output");
    const Identity identity = IdentityOf(*place);
    if (const auto input = inputs_.find(identity); input != inputs_.end()) {
      return absl::InvalidArgumentError(absl::StrCat(
          path, ": is the input ", input->second, "; name another output"));
    }
    if (kind == OutputKind::kWholeFolder) whole_folders_.insert(identity);
    const auto [other, is_new] = outputs_.emplace(identity, path);
    if (is_new) return absl::OkStatus();
    return absl::InvalidArgumentError(
        absl::StrCat(path, " and ", other->second,
                     " are one file; name two different outputs"));
  }

  // Of all outputs together: what is made as a whole has to be empty when it
  // takes its name.
  absl::Status CheckWholeFolders() const {
    for (const auto& [identity, path] : outputs_) {
      auto [device, inode, missing] = identity;
      while (!missing.empty()) {
        const size_t slash = missing.rfind('/');
        missing.resize(slash == std::string::npos ? 0 : slash);
        const Identity folder(device, inode, missing);
        if (whole_folders_.count(folder) == 0) continue;
        return absl::InvalidArgumentError(absl::StrCat(
            path, ": is to lie in ", outputs_.at(folder),
            ", which is an output that is made as a whole; name another "
            "folder"));
      }
    }
    return absl::OkStatus();
  }

 private:
  const bool overwrite_;
  const std::map<Identity, std::string> inputs_;
  std::map<Identity, std::string> outputs_;
  std::set<Identity> whole_folders_;  // of outputs_
};

}  // namespace

absl::Status CheckOutputs(const PlannedOutputs& planned) {
  Checker checker(planned);
  const OutputKind file_kind =
      planned.makes_folders ? OutputKind::kFileInNewFolder : OutputKind::kFile;
  for (const auto& [paths, kind] :
       {std::pair(&planned.files, file_kind),
        std::pair(&planned.folders, OutputKind::kWholeFolder),
        std::pair(&planned.filled_folders, OutputKind::kFilledFolder)}) {
    for (const std::string& path : *paths) {
      RETURN_IF_ERROR(checker.Check(path, kind));
    }
  }
  return checker.CheckWholeFolders();
}

absl::Status MakeParentFolders(const PlannedOutputs& planned) {
  for (const auto* paths : {&planned.files, &planned.folders}) {
    for (const std::string& path : *paths) {
      if (!path.empty()) RETURN_IF_ERROR(MakeFolder(FolderOf(path)));
    }
  }
  return absl::OkStatus();
}

}  // namespace networks::files
