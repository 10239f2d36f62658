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

int OpenToSync(const std::string& path) {
  return open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
}

// `descriptor` is of OpenToSync, and is closed. EINVAL: this file system cannot
// sync it, and there is nothing more to do.
absl::Status SyncAndClose(int descriptor, const std::string& path) {
  if (descriptor < 0) return SystemError(errno, path, "open it to sync it");
  const absl::Cleanup closer = [descriptor] { close(descriptor); };
  if (fsync(descriptor) != 0 && errno != EINVAL) {
    return SystemError(errno, path, "sync");
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status SyncFolder(const std::string& folder) {
  // With a slash, a link to a folder is the folder.
  const std::string path = folder + "/";
  const int descriptor = OpenToSync(path);
  // It is opened to be read, which a folder to drop files into does not let.
  if (descriptor < 0 && errno == EACCES) return absl::OkStatus();
  return SyncAndClose(descriptor, path);
}

absl::Status SyncTree(const std::string& folder) {
  namespace fs = std::filesystem;
  std::error_code error;
  for (fs::recursive_directory_iterator entry(folder, error), end;
       !error && entry != end; entry.increment(error)) {
    RETURN_IF_ERROR(SyncAndClose(OpenToSync(entry->path()), entry->path()));
  }
  if (error) return SystemError(error, folder, "list this folder");
  return SyncFolder(folder);
}

}  // namespace networks::files
