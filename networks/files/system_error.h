// Statuses of failed system calls, in one wording for the whole repository:
// "<path>: cannot <action>: <the system's reason>".
#ifndef NETWORKS_FILES_SYSTEM_ERROR_H_
#define NETWORKS_FILES_SYSTEM_ERROR_H_

#include <system_error>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace networks::files {

// Of `error`, a value of errno. Tells whether the same action may succeed
// later:
//
//   ResourceExhausted   disk or quota full, file larger than the system allows
//   PermissionDenied    no permission, read-only file system
//   Unavailable         a device's error (EIO), a call that was interrupted
//   NotFound, FailedPrecondition, InvalidArgument, AlreadyExists ...
//                       the path itself is wrong: trying again cannot help
absl::StatusCode SystemErrorCode(int error);

// The status of `error` with that code.
absl::Status SystemError(int error, absl::string_view path,
                         absl::string_view action);

// The same for an error of <filesystem>.
absl::Status SystemError(const std::error_code& error, absl::string_view path,
                         absl::string_view action);

}  // namespace networks::files

#endif  // NETWORKS_FILES_SYSTEM_ERROR_H_
