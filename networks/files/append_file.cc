#include "networks/files/append_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <utility>

#include "networks/files/system_error.h"
#include "networks/files/temporary.h"
#include "third_party/absl/status_macros.h"

namespace networks::files {

AppendFile::AppendFile(std::string path, int descriptor)
    : path_(std::move(path)), descriptor_(descriptor) {}

absl::StatusOr<AppendFile> AppendFile::Open(const std::string& path,
                                            Start start) {
  const bool is_new = start == Start::kNew;
  RETURN_IF_ERROR(
      CheckTarget(path, Temporary::Kind::kFile, /*overwrite=*/!is_new));
  // O_NONBLOCK: it may have become a named pipe meanwhile.
  const int descriptor =
      open(path.c_str(),
           O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK |
               (is_new ? O_EXCL : 0),
           0666);
  if (descriptor < 0) return SystemError(errno, path, "open it for writing");
  return AppendFile(path, descriptor);
}

AppendFile::AppendFile(AppendFile&& other) noexcept
    : path_(std::move(other.path_)),
      descriptor_(std::exchange(other.descriptor_, -1)) {}

AppendFile& AppendFile::operator=(AppendFile&& other) noexcept {
  if (this == &other) return *this;
  if (descriptor_ >= 0) close(descriptor_);
  path_ = std::move(other.path_);
  descriptor_ = std::exchange(other.descriptor_, -1);
  return *this;
}

AppendFile::~AppendFile() {
  if (descriptor_ >= 0) close(descriptor_);
}

absl::Status AppendFile::Append(absl::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(descriptor_, bytes.data(), bytes.size());
    if (written >= 0) {
      bytes.remove_prefix(static_cast<size_t>(written));
    } else if (errno != EINTR) {
      return SystemError(errno, path_, "write");
    }
  }
  return absl::OkStatus();
}

absl::Status AppendFile::Truncate(int64_t size) {
  if (ftruncate(descriptor_, size) == 0) return absl::OkStatus();
  return SystemError(errno, path_, "shorten it");
}

absl::Status AppendFile::Sync() {
  if (fsync(descriptor_) == 0) return absl::OkStatus();
  return SystemError(errno, path_, "sync");
}

absl::StatusOr<int64_t> AppendFile::Size() const {
  struct stat info;
  if (fstat(descriptor_, &info) != 0) {
    return SystemError(errno, path_, "look up its size");
  }
  return static_cast<int64_t>(info.st_size);
}

}  // namespace networks::files
