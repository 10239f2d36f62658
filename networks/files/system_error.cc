#include "networks/files/system_error.h"

#include <cerrno>

#include "absl/strings/str_cat.h"

namespace networks::files {

absl::StatusCode SystemErrorCode(int error) {
  switch (error) {
    // ErrnoToStatus has these as OutOfRange and Unknown.
    case EFBIG:
      return absl::StatusCode::kResourceExhausted;
    case EIO:
    case EINTR:
      return absl::StatusCode::kUnavailable;
    default:
      return absl::ErrnoToStatusCode(error);
  }
}

absl::Status SystemError(int error, absl::string_view path,
                         absl::string_view action) {
  return absl::Status(SystemErrorCode(error),
                      absl::StrCat(path, ": cannot ", action, ": ",
                                   std::generic_category().message(error)));
}

absl::Status SystemError(const std::error_code& error, absl::string_view path,
                         absl::string_view action) {
  return SystemError(error.value(), path, action);
}

}  // namespace networks::files
