#include "networks/files/sync.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

#include "absl/cleanup/cleanup.h"
#include "networks/files/system_error.h"
#include "third_party/absl/status_macros.h"

namespace networks::files {
namespace {

// A file or a folder. EINVAL: this file system cannot sync it, and there is
// nothing more to do.
absl::Status Sync(const std::string& path) {
  const int descriptor =
      open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) return SystemError(errno, path, "open it to sync it");
  const absl::Cleanup closer = [descriptor] { close(descriptor); };
  if (fsync(descriptor) != 0 && errno != EINVAL) {
    return SystemError(errno, path, "sync");
  }
  return absl::OkStatus();
}

}  // namespace

// With a slash, a link to a folder is the folder.
absl::Status SyncFolder(const std::string& folder) {
  const absl::Status status = Sync(folder + "/");
  // It is opened to be read, which a folder to drop files into does not let.
  return absl::IsPermissionDenied(status) ? absl::OkStatus() : status;
}

absl::Status SyncTree(const std::string& folder) {
  namespace fs = std::filesystem;
  std::error_code error;
  for (fs::recursive_directory_iterator entry(folder, error), end;
       !error && entry != end; entry.increment(error)) {
    RETURN_IF_ERROR(Sync(entry->path()));
  }
  if (error) return SystemError(error, folder, "list this folder");
  return SyncFolder(folder);
}

}  // namespace networks::files
