#include "pipelines/training/run_folder.h"

#include <cstdint>
#include <filesystem>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "networks/files/folder.h"
#include "networks/files/path_parts.h"
#include "networks/files/temporary.h"
#include "third_party/absl/status_macros.h"

namespace pipelines {
namespace {

using networks::files::FileLock;
using networks::files::MakeFolder;

absl::StatusOr<FileLock> Lock(const std::string& folder) {
  networks::files::LockOptions options;
  options.subject = folder;
  options.doing =
      "is training in this folder; wait for it, stop it, or choose another "
      "folder";
  return FileLock::Take(folder + "/lock", options);
}

// A run has the folder of its checkpoints before any file.
absl::Status CheckReplacesNothing(const std::string& folder) {
  std::error_code error;
  if (std::filesystem::exists(folder + "/checkpoints", error)) {
    return absl::OkStatus();
  }
  for (const char* name :
       {"config.textproto", "losses.csv", "timing.csv", "initial_weights.txt",
        "evaluation.json", "evaluation.txt", "animation.mp4", "index.html"}) {
    const std::string path = absl::StrCat(folder, "/", name);
    if (std::filesystem::exists(path, error)) {
      return absl::AlreadyExistsError(
          absl::StrCat(path, " exists, and ", folder,
                       " holds no training run; choose another folder"));
    }
  }
  return absl::OkStatus();
}

// What earlier versions called "<name>.tmp.<process>.<number>". Nothing else
// that a user may have in the folder.
bool IsFormerTemporary(const std::string& name) {
  const std::vector<std::string> parts = absl::StrSplit(name, '.');
  int64_t process, number;
  return parts.size() >= 4 && parts[parts.size() - 3] == "tmp" &&
         absl::SimpleAtoi(parts[parts.size() - 2], &process) &&
         absl::SimpleAtoi(parts.back(), &number);
}

// With the lock held no writer of them is alive.
void RemoveHalfWrittenFiles(const std::string& folder) {
  networks::files::RemoveAbandoned(folder);
  std::error_code error;
  for (std::filesystem::directory_iterator entry(folder, error), end;
       !error && entry != end; entry.increment(error)) {
    if (!IsFormerTemporary(entry->path().filename())) continue;
    std::error_code ignored;  // What stays only takes room.
    std::filesystem::remove(entry->path(), ignored);
  }
}

}  // namespace

absl::StatusOr<RunFolder> RunFolder::Open(const std::string& named) {
  // A shell completes a folder's name with a slash, and the name is the title
  // of the run's page.
  const std::string path = networks::files::WithoutTrailingSlashes(named);
  RETURN_IF_ERROR(CheckReplacesNothing(path));
  RETURN_IF_ERROR(MakeFolder(path));
  ASSIGN_OR_RETURN(FileLock lock, Lock(path));
  RunFolder folder(path, std::move(lock));
  for (const std::string& part :
       {folder.checkpoints(), folder.events(), path + "/pictures"}) {
    RETURN_IF_ERROR(MakeFolder(part));
  }
  RemoveHalfWrittenFiles(path);
  RemoveHalfWrittenFiles(folder.checkpoints());
  return folder;
}

absl::Status RunFolder::KeepLock() {
  if (lock_.IsHeld()) return absl::OkStatus();
  absl::StatusOr<FileLock> lock = Lock(path_);
  if (!lock.ok()) {
    return absl::Status(lock.status().code(),
                        absl::StrCat("the lock of this run was deleted: ",
                                     lock.status().message(),
                                     "; this process has saved nothing since"));
  }
  lock_ = *std::move(lock);
  return absl::OkStatus();
}

}  // namespace pipelines
