#include "pipelines/base/caught_exception.h"

#include <stdexcept>
#include <thread>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines {
namespace {

TEST(CaughtException, PassesAStatusOnAndThrowsNothing) {
  CaughtException caught;
  EXPECT_THAT(caught.StatusOf([] { return absl::OkStatus(); }), IsOk());
  EXPECT_THAT(caught.StatusOf([] { return absl::NotFoundError("none"); }),
              StatusIs(absl::StatusCode::kNotFound, "none"));
  EXPECT_NO_THROW(caught.Rethrow());
}

TEST(CaughtException, ThrowsTheFirstOfOtherThreadsWhereItIsAskedTo) {
  CaughtException caught;
  for (const char* what : {"first", "second"}) {
    std::thread([&] {
      EXPECT_THAT(
          caught.StatusOf(
              [&]() -> absl::Status { throw std::runtime_error(what); }),
          StatusIs(absl::StatusCode::kInternal, "an exception was thrown"));
    }).join();
  }
  try {
    caught.Rethrow();
    FAIL() << "nothing was thrown";
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ(error.what(), "first");
  }
}

}  // namespace
}  // namespace pipelines
