// Errors that name the flag that a user gave.
#ifndef PIPELINES_APP_FLAG_ERROR_H_
#define PIPELINES_APP_FLAG_ERROR_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "pipelines/app/exit_code.h"

namespace pipelines {

// UsageError, InvalidArgument: "--" and the pieces, of which the first begins
// with the flag's name.
template <typename... Pieces>
absl::Status BadFlag(const Pieces&... pieces) {
  return UsageError(absl::InvalidArgumentError(absl::StrCat("--", pieces...)));
}

// Adds the flag to the message of a library that does not know of flags.
template <typename T>
absl::StatusOr<T> OfFlag(absl::string_view flag, absl::StatusOr<T> value) {
  if (value.ok()) return value;
  return BadFlag(flag, ": ", std::string(value.status().message()));
}

}  // namespace pipelines

#endif  // PIPELINES_APP_FLAG_ERROR_H_
