#include "tools/studio/units.h"

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "third_party/absl/status_matchers.h"

namespace studio {
namespace {

using ::testing::HasSubstr;

TEST(UnitsTest, ReadsSizes) {
  EXPECT_THAT(ParseBytes("512MiB"), IsOkAndHolds(int64_t{512} << 20));
  EXPECT_THAT(ParseBytes("20GB"), IsOkAndHolds(int64_t{20000000000}));
  EXPECT_THAT(ParseBytes(" 1.5 gib "), IsOkAndHolds(int64_t{1610612736}));
  EXPECT_THAT(ParseBytes("1000B"), IsOkAndHolds(int64_t{1000}));
}

TEST(UnitsTest, RefusesWhatIsNoSize) {
  for (const char* text : {"", "MB", "-1", "0", "0B", "20", "1XB", "1e9",
                           "1..5MB", "nan", "99999999TiB", "1 2MB"}) {
    EXPECT_FALSE(ParseBytes(text).ok()) << text;
  }
}

TEST(UnitsTest, TellsASizeOutOfRangeFromNone) {
  for (const char* text : {"0B", "0.5B", "99999TiB"}) {
    EXPECT_THAT(ParseBytes(text),
                StatusIs(absl::StatusCode::kInvalidArgument,
                         HasSubstr("is out of range; use 1B to 8192TiB")));
  }
  EXPECT_THAT(ParseBytes("20"), StatusIs(absl::StatusCode::kInvalidArgument,
                                         HasSubstr("write it with a unit")));
  EXPECT_THAT(ParseBytes("8192TiB"), IsOkAndHolds(int64_t{1} << 53));
}

TEST(UnitsTest, ReadsTimes) {
  EXPECT_THAT(ParseAge("7d"), IsOkAndHolds(absl::Hours(168)));
  EXPECT_THAT(ParseAge("1d12h"), IsOkAndHolds(absl::Hours(36)));
  EXPECT_THAT(ParseAge("90m"), IsOkAndHolds(absl::Minutes(90)));
}

TEST(UnitsTest, RefusesWhatIsNoTime) {
  for (const char* text :
       {"", "7", "d", "-1d", "0d", "-5h", "7 days", "1d-1h", "inf"}) {
    EXPECT_FALSE(ParseAge(text).ok()) << text;
  }
}

}  // namespace
}  // namespace studio
