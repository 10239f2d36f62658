#include "networks/files/system_error.h"

#include <cerrno>

#include "absl/strings/str_cat.h"

namespace networks::files {

absl::Status SystemError(int error, absl::string_view path,
                         absl::string_view action) {
  const absl::Status status =
      absl::ErrnoToStatus(error, absl::StrCat(path, ": cannot ", action));
  switch (error) {
    // ErrnoToStatus has these as OutOfRange and Unknown.
    case EFBIG:
      return absl::ResourceExhaustedError(status.message());
    case EIO:
    case EINTR:
      return absl::UnavailableError(status.message());
    default:
      return status;
  }
}

absl::Status SystemError(const std::error_code& error, absl::string_view path,
                         absl::string_view action) {
  return SystemError(error.value(), path, action);
}

}  // namespace networks::files
