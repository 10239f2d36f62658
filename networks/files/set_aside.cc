#include "networks/files/set_aside.h"

#include <fcntl.h>
#include <stdio.h>

#include <cerrno>
#include <filesystem>

#include "absl/strings/str_cat.h"
#include "networks/files/path_parts.h"
#include "networks/files/sync.h"
#include "networks/files/system_error.h"
#include "third_party/absl/status_macros.h"

namespace networks::files {

namespace fs = std::filesystem;

int RenameToNew(const std::string& from, const std::string& to) {
  if (renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(),
                RENAME_NOREPLACE) == 0) {
    return 0;
  }
  // File systems that cannot do it in one step.
  if (errno != EINVAL && errno != ENOSYS) return errno;
  std::error_code error;
  if (fs::exists(fs::symlink_status(to, error))) return EEXIST;
  return rename(from.c_str(), to.c_str()) == 0 ? 0 : errno;
}

absl::StatusOr<std::string> SetAside(const std::string& path,
                                     const std::string& name) {
  const std::string folder = FolderOf(path);
  const fs::path wanted(name);
  for (int i = 1;; ++i) {
    const std::string number = i == 1 ? "" : absl::StrCat("-", i);
    const std::string free = absl::StrCat(folder, "/", wanted.stem().string(),
                                          number, wanted.extension().string());
    const int error = RenameToNew(path, free);
    if (error == EEXIST) continue;
    if (error != 0) {
      return SystemError(error, path, absl::StrCat("rename it to ", free));
    }
    RETURN_IF_ERROR(SyncFolder(folder));
    return free;
  }
}

}  // namespace networks::files
