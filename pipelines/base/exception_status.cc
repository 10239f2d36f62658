#include "pipelines/base/exception_status.h"

#include <cerrno>
#include <new>
#include <string>
#include <system_error>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "networks/files/system_error.h"

namespace pipelines {
namespace {

constexpr char kNoMemory[] = "there is not enough memory: ";
constexpr char kNoGpuCode[] = "this LibTorch has no code for this GPU: ";

bool SaysNoMemory(const std::exception& error) {
  if (dynamic_cast<const std::bad_alloc*>(&error) != nullptr) return true;
  const absl::string_view what = error.what();
  for (const char* words : {"can't allocate memory", "not enough memory",
                            "out of memory", "Insufficient memory"}) {
    if (absl::StrContains(what, words)) return true;
  }
  return false;
}

// What a system call that failed left in errno; 0 of other exceptions.
int ErrorNumber(const std::exception& error) {
  const auto* failed = dynamic_cast<const std::system_error*>(&error);
  if (failed == nullptr) return 0;
  const std::error_category& category = failed->code().category();
  return category == std::system_category() ||
                 category == std::generic_category()
             ? failed->code().value()
             : 0;
}

}  // namespace

absl::Status ExceptionStatus(const std::exception& error) {
  const int number = ErrorNumber(error);
  if (number == EAGAIN) {  // std::thread says no more than "try again"
    return absl::UnavailableError(
        "the system lets this process start no more threads (ulimit -u, the "
        "container's limit of pids, or memory)");
  }
  const std::string what = error.what();
  // LibTorch adds a stack trace from the second line on.
  const std::string line = what.substr(0, what.find('\n'));
  if (SaysNoMemory(error)) {
    return absl::ResourceExhaustedError(absl::StrCat(kNoMemory, line));
  }
  if (absl::StrContains(what, "no kernel image is available")) {
    return absl::FailedPreconditionError(absl::StrCat(kNoGpuCode, line));
  }
  return absl::Status(number == 0 ? absl::StatusCode::kInternal
                                  : networks::files::SystemErrorCode(number),
                      line);
}

bool IsOutOfMemory(const absl::Status& status) {
  return absl::IsResourceExhausted(status) &&
         absl::StrContains(status.message(), kNoMemory);
}

bool IsWithoutGpuCode(const absl::Status& status) {
  return absl::IsFailedPrecondition(status) &&
         absl::StrContains(status.message(), kNoGpuCode);
}

}  // namespace pipelines
