#include "networks/files/atomic_folder.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>

#include "absl/strings/str_cat.h"
#include "networks/files/system_error.h"
#include "third_party/absl/status_macros.h"

namespace networks::files {

absl::StatusOr<AtomicFolder> AtomicFolder::Create(
    const std::string& path, const OutputOptions& options) {
  ASSIGN_OR_RETURN(Temporary temporary,
                   Temporary::Create(path, Temporary::Kind::kFolder, options));
  return AtomicFolder(std::move(temporary));
}

absl::Status AtomicFolder::Write(const std::string& name,
                                 absl::string_view contents) const {
  const std::string path = absl::StrCat(temporary_.path(), "/", name);
  const std::string shown = absl::StrCat(temporary_.target(), "/", name);
  const int file = open(
      path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
  if (file < 0) return SystemError(errno, shown, "create the file");
  absl::Status status;
  while (status.ok() && !contents.empty()) {
    const ssize_t written = write(file, contents.data(), contents.size());
    if (written >= 0) {
      contents.remove_prefix(static_cast<size_t>(written));
    } else if (errno != EINTR) {
      status = SystemError(errno, shown, "write");
    }
  }
  if (close(file) != 0) status.Update(SystemError(errno, shown, "write"));
  return status;
}

}  // namespace networks::files
