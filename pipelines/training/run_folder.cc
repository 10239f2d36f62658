#include "pipelines/training/run_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "networks/files/temporary.h"
#include "third_party/absl/status_macros.h"

namespace pipelines {
namespace {

absl::Status SystemError(const std::string& path, int error) {
  return absl::ErrnoToStatus(
      error, absl::StrCat(path, ": cannot write to this run folder"));
}

absl::Status CreateFolder(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) return SystemError(path, error.value());
  return absl::OkStatus();
}

std::string ReadHolder(int descriptor) {
  char text[64] = {};
  const ssize_t size = pread(descriptor, text, sizeof(text) - 1, 0);
  return size > 0 ? text : "an unknown process";
}

std::string LockPath(const std::string& folder) { return folder + "/lock"; }

// Whether the open file is the one that stands under the lock's name. A lock on
// a file that was deleted keeps nobody out.
bool IsInPlace(const std::string& folder, int descriptor) {
  struct stat of_file, of_name;
  return fstat(descriptor, &of_file) == 0 &&
         stat(LockPath(folder).c_str(), &of_name) == 0 &&
         of_file.st_dev == of_name.st_dev && of_file.st_ino == of_name.st_ino;
}

// The kernel drops the lock with the process that holds it, so none is stale.
absl::StatusOr<std::shared_ptr<int>> TryLock(const std::string& folder) {
  const int descriptor =
      open(LockPath(folder).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (descriptor < 0) return SystemError(folder, errno);
  std::shared_ptr<int> lock(new int(descriptor), [](int* d) {
    close(*d);
    delete d;
  });
  if (flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
    return absl::UnavailableError(
        absl::StrCat(folder, ": ", ReadHolder(descriptor),
                     " is training in this folder; wait for it, stop it, or "
                     "choose another --output"));
  }
  return lock;
}

absl::StatusOr<std::shared_ptr<int>> Lock(const std::string& folder) {
  ASSIGN_OR_RETURN(std::shared_ptr<int> lock, TryLock(folder));
  // Deleted between its opening and its locking.
  while (!IsInPlace(folder, *lock)) {
    ASSIGN_OR_RETURN(lock, TryLock(folder));
  }
  const std::string holder = absl::StrCat("process ", getpid());
  if (ftruncate(*lock, 0) != 0 ||
      pwrite(*lock, holder.data(), holder.size(), 0) < 0) {
    return SystemError(folder, errno);
  }
  return lock;
}

// Also those that earlier versions called "<name>.tmp.<process>.<number>". With
// the lock held no writer of them is alive.
void RemoveHalfWrittenFiles(const std::string& folder) {
  networks::files::RemoveAbandoned(folder);
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    if (!absl::StrContains(entry.path().filename().string(), ".tmp.")) continue;
    std::error_code ignored;  // What stays only takes room.
    std::filesystem::remove(entry.path(), ignored);
  }
}

}  // namespace

absl::StatusOr<RunFolder> RunFolder::Open(const std::string& path) {
  RETURN_IF_ERROR(CreateFolder(path));
  ASSIGN_OR_RETURN(std::shared_ptr<int> lock, Lock(path));
  RunFolder folder(path, std::move(lock));
  for (const std::string& part :
       {folder.checkpoints(), folder.events(), path + "/pictures"}) {
    RETURN_IF_ERROR(CreateFolder(part));
  }
  RemoveHalfWrittenFiles(path);
  RemoveHalfWrittenFiles(folder.checkpoints());
  return folder;
}

absl::Status RunFolder::KeepLock() {
  if (IsInPlace(path_, *lock_)) return absl::OkStatus();
  absl::StatusOr<std::shared_ptr<int>> lock = Lock(path_);
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
