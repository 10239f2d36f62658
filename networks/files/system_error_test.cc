#include "networks/files/system_error.h"

#include <cerrno>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "third_party/absl/status_matchers.h"

namespace networks::files {
namespace {

using ::absl::StatusCode;

TEST(SystemError, SaysWhereWhatAndWhy) {
  EXPECT_THAT(SystemError(ENOENT, "a.txt", "open this file"),
              StatusIs(StatusCode::kNotFound,
                       "a.txt: cannot open this file: No such file or "
                       "directory"));
}

// The programs end with 129, "try again", for exactly these codes.
TEST(SystemError, TellsWhetherTryingAgainHelps) {
  const auto helps = [](int error) {
    const StatusCode code = SystemError(error, "a", "b").code();
    return code == StatusCode::kResourceExhausted ||
           code == StatusCode::kUnavailable ||
           code == StatusCode::kPermissionDenied ||
           code == StatusCode::kAborted;
  };
  for (const int error : {ENOSPC, EDQUOT, EFBIG, EROFS, EACCES, EIO, ENOMEM}) {
    EXPECT_TRUE(helps(error)) << error;
  }
  for (const int error :
       {ENOTDIR, EISDIR, ENOENT, EEXIST, EINVAL, ENAMETOOLONG, ELOOP}) {
    EXPECT_FALSE(helps(error)) << error;
  }
}

}  // namespace
}  // namespace networks::files
