#include "tools/studio/api/query.h"

#include <string>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "third_party/absl/status_matchers.h"
#include "tools/studio/base/field_error.h"
#include "tools/studio/http/request.h"

namespace studio {
namespace {

using ::testing::_;

Request With(const std::string& name, const std::string& value) {
  Request request;
  request.target.query[name] = value;
  return request;
}

TEST(QueryTest, ReadsIntegersInTheirRange) {
  EXPECT_THAT(QueryInteger(With("side", "64"), "side", 16, 100, 32),
              IsOkAndHolds(64));
  EXPECT_THAT(QueryInteger({}, "side", 16, 100, 32), IsOkAndHolds(32));
  for (const char* value :
       {"", "15", "101", "-64", "6e1", "64x", "0x40", "99999999999999999999"}) {
    const absl::Status status =
        QueryInteger(With("side", value), "side", 16, 100, 32).status();
    EXPECT_THAT(status, StatusIs(absl::StatusCode::kInvalidArgument, _))
        << value;
    EXPECT_EQ(FieldOf(status), "side");
  }
}

TEST(QueryTest, ReadsChoices) {
  EXPECT_THAT(QueryChoice(With("by", "centre"), "by", {"face", "centre"}),
              IsOkAndHolds("centre"));
  EXPECT_THAT(QueryChoice({}, "by", {"face", "centre"}), IsOkAndHolds("face"));
  EXPECT_EQ(FieldOf(QueryChoice(With("by", "../x"), "by", {"face"}).status()),
            "by");
}

TEST(QueryTest, NamesWhatIsUnknown) {
  EXPECT_THAT(CheckQuery(With("side", "1"), {"frame", "side"}), IsOk());
  EXPECT_EQ(FieldOf(CheckQuery(With("url", "http://x"), {"frame"})), "url");
  EXPECT_EQ(FieldOf(CheckQuery(With("url", "http://x"), {})), "url");
}

}  // namespace
}  // namespace studio
