#include "pipelines/app/flag_error.h"

#include "gtest/gtest.h"
#include "pipelines/app/exit_code.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines {
namespace {

using ::absl::StatusCode;

TEST(FlagError, NamesTheFlagAndItsValue) {
  EXPECT_THAT(
      BadFlag("tile is ", 3, "; use 64 to 1024"),
      StatusIs(StatusCode::kInvalidArgument, "--tile is 3; use 64 to 1024"));
}

TEST(FlagError, IsAMistakeOfUsage) {
  EXPECT_EQ(ExitCode(BadFlag("tile is ", 3)), kExitUsage);
}

TEST(FlagError, PutsTheFlagBeforeALibrarysMessage) {
  EXPECT_THAT(OfFlag("crop", absl::StatusOr<int>(absl::NotFoundError("no"))),
              StatusIs(StatusCode::kInvalidArgument, "--crop: no"));
  EXPECT_EQ(*OfFlag("crop", absl::StatusOr<int>(7)), 7);
}

}  // namespace
}  // namespace pipelines
