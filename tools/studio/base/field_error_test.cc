#include "tools/studio/base/field_error.h"

#include "gtest/gtest.h"

namespace studio {
namespace {

TEST(FieldErrorTest, NamesItsFieldInMessageAndPayload) {
  const absl::Status error = FieldError("cells[1]", "is 0; use 1 to 12");
  EXPECT_EQ(error.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(error.message(), "cells[1]: is 0; use 1 to 12");
  EXPECT_EQ(FieldOf(error), "cells[1]");
}

TEST(FieldErrorTest, OtherErrorsHaveNoField) {
  EXPECT_EQ(FieldOf(absl::InvalidArgumentError("cells: is 0")), "");
  EXPECT_EQ(FieldOf(absl::OkStatus()), "");
}

TEST(FieldErrorTest, StaysWithTheStatus) {
  const absl::Status status =
      WithField("crop", absl::OutOfRangeError("too large"));
  EXPECT_EQ(FieldOf(status), "crop");
  EXPECT_TRUE(WithField("crop", absl::OkStatus()).ok());
  EXPECT_EQ(CodeName(status.code()), "out_of_range");
}

}  // namespace
}  // namespace studio
