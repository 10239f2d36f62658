// GoogleMock matchers for absl::Status and absl::StatusOr:
//
//   EXPECT_THAT(Load(path), IsOk());
//   EXPECT_THAT(Count(), IsOkAndHolds(3));
//   EXPECT_THAT(Load(""), StatusIs(absl::StatusCode::kNotFound,
//   HasSubstr("x")));
#ifndef THIRD_PARTY_ABSL_STATUS_MATCHERS_H_
#define THIRD_PARTY_ABSL_STATUS_MATCHERS_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"

namespace status_matchers {

inline const absl::Status& StatusOf(const absl::Status& status) {
  return status;
}
template <typename T>
const absl::Status& StatusOf(const absl::StatusOr<T>& status_or) {
  return status_or.status();
}

MATCHER(IsOk, negation ? "is an error" : "is OK") {
  *result_listener << "which is " << StatusOf(arg);
  return StatusOf(arg).ok();
}

MATCHER_P(IsOkAndHolds, value_matcher, "is OK and holds a matching value") {
  if (!arg.ok()) {
    *result_listener << "which is " << arg.status();
    return false;
  }
  return testing::ExplainMatchResult(value_matcher, *arg, result_listener);
}

MATCHER_P2(StatusIs, code, message_matcher, "has the code and message") {
  const absl::Status& status = StatusOf(arg);
  *result_listener << "which is " << status;
  return status.code() == code &&
         testing::ExplainMatchResult(
             message_matcher, std::string(status.message()), result_listener);
}

}  // namespace status_matchers

using status_matchers::IsOk;          // NOLINT
using status_matchers::IsOkAndHolds;  // NOLINT
using status_matchers::StatusIs;      // NOLINT

#endif  // THIRD_PARTY_ABSL_STATUS_MATCHERS_H_
