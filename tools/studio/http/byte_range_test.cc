#include "tools/studio/http/byte_range.h"

#include <optional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "third_party/absl/status_matchers.h"

namespace studio {
namespace {

using ::testing::_;

void ExpectRange(const char* header, int64_t first, int64_t bytes) {
  const absl::StatusOr<std::optional<ByteRange>> range =
      ParseByteRange(header, /*size=*/100);
  ASSERT_THAT(range, IsOk()) << header;
  ASSERT_TRUE(range->has_value()) << header;
  EXPECT_EQ((*range)->first, first) << header;
  EXPECT_EQ((*range)->bytes, bytes) << header;
}

TEST(ParseByteRangeTest, ReadsEachForm) {
  ExpectRange("bytes=0-99", 0, 100);
  ExpectRange("bytes=0-0", 0, 1);
  ExpectRange("bytes=99-99", 99, 1);
  ExpectRange("bytes=10-", 10, 90);
  ExpectRange("bytes=-10", 90, 10);
  ExpectRange("bytes=-1000", 0, 100);
  ExpectRange("bytes=50-1000", 50, 50);
}

TEST(ParseByteRangeTest, PassesOverWhatIsNoRange) {
  for (const char* header :
       {"", "bytes", "bytes=", "bytes=-", "bytes=a-b", "bytes=5", "lines=1-2",
        "bytes=9-5", "bytes=+1-2", "bytes= 1-2", "bytes=0x1-0x2",
        "bytes=99999999999999999999-"}) {
    const absl::StatusOr<std::optional<ByteRange>> range =
        ParseByteRange(header, 100);
    ASSERT_THAT(range, IsOk()) << header;
    EXPECT_FALSE(range->has_value()) << header;
  }
}

TEST(ParseByteRangeTest, RefusesWhatIsBehindTheEndAndSeveralRanges) {
  for (const char* header : {"bytes=100-", "bytes=100-200", "bytes=-0",
                             "bytes=0-1,2-3", "bytes=0-0,0-0,0-0"}) {
    EXPECT_THAT(ParseByteRange(header, 100),
                StatusIs(absl::StatusCode::kOutOfRange, _))
        << header;
  }
  EXPECT_THAT(ParseByteRange("bytes=0-0", 0),
              StatusIs(absl::StatusCode::kOutOfRange, _));
}

}  // namespace
}  // namespace studio
