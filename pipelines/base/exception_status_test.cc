#include "pipelines/base/exception_status.h"

#include <cerrno>
#include <ios>
#include <new>
#include <stdexcept>
#include <system_error>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines {
namespace {

using ::absl::StatusCode;
using ::testing::HasSubstr;

TEST(ExceptionStatus, TellsLackOfMemory) {
  for (const absl::Status& status :
       {ExceptionStatus(std::bad_alloc()),
        ExceptionStatus(std::runtime_error("CUDA out of memory"))}) {
    EXPECT_THAT(status, StatusIs(StatusCode::kResourceExhausted,
                                 HasSubstr("there is not enough memory: ")));
  }
}

TEST(ExceptionStatus, TellsThatNoMoreThreadsCanBeStarted) {
  EXPECT_THAT(
      ExceptionStatus(std::system_error(EAGAIN, std::generic_category())),
      StatusIs(StatusCode::kUnavailable, HasSubstr("start no more threads")));
}

TEST(ExceptionStatus, HasTheCodeOfASystemsError) {
  EXPECT_THAT(ExceptionStatus(std::system_error(ENOSPC, std::system_category(),
                                                "/runs: cannot write")),
              StatusIs(StatusCode::kResourceExhausted,
                       HasSubstr("/runs: cannot write")));
}

TEST(ExceptionStatus, IsInternalForTheRestWithTheFirstLine) {
  EXPECT_THAT(ExceptionStatus(std::runtime_error("no shape\nat frame 1")),
              StatusIs(StatusCode::kInternal, "no shape"));
  // A system_error whose numbers are not the system's.
  EXPECT_THAT(ExceptionStatus(std::ios_base::failure("cannot read")),
              StatusIs(StatusCode::kInternal, HasSubstr("cannot read")));
}

}  // namespace
}  // namespace pipelines
