#include "pipelines/base/exception_status.h"

#include <new>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace pipelines {
namespace {

bool IsOutOfMemory(const std::exception& error) {
  if (dynamic_cast<const std::bad_alloc*>(&error) != nullptr) return true;
  const absl::string_view what = error.what();
  for (const char* words : {"can't allocate memory", "not enough memory",
                            "out of memory", "Insufficient memory"}) {
    if (absl::StrContains(what, words)) return true;
  }
  return false;
}

}  // namespace

absl::Status ExceptionStatus(const std::exception& error) {
  const std::string what = error.what();
  // LibTorch adds a stack trace from the second line on.
  const std::string line = what.substr(0, what.find('\n'));
  if (!IsOutOfMemory(error)) return absl::InternalError(line);
  return absl::ResourceExhaustedError(
      absl::StrCat("there is not enough memory: ", line));
}

}  // namespace pipelines
