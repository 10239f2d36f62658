#include "tools/studio/warp/recent_values.h"

#include <memory>

#include "absl/status/status.h"
#include "gtest/gtest.h"

namespace studio {
namespace {

using Values = RecentValues<int, int>;

// The value for a key, which counts how often it was made.
Values::Made Get(Values& values, int key, int* made) {
  return values.Get(key, [key, made]() -> Values::Made {
    ++*made;
    return std::make_shared<const int>(10 * key);
  });
}

TEST(RecentValuesTest, MakesAValueOnce) {
  Values values(2);
  int made = 0;
  EXPECT_EQ(**Get(values, 1, &made), 10);
  EXPECT_EQ(**Get(values, 1, &made), 10);
  EXPECT_EQ(made, 1);
}

TEST(RecentValuesTest, ForgetsTheOneThatWasUsedLongestAgo) {
  Values values(2);
  int made = 0;
  for (const int key : {1, 2, 1, 3}) Get(values, key, &made).value();
  EXPECT_EQ(made, 3);
  Get(values, 1, &made).value();
  EXPECT_EQ(made, 3);
  Get(values, 2, &made).value();
  EXPECT_EQ(made, 4);
}

TEST(RecentValuesTest, DoesNotKeepErrors) {
  Values values(2);
  const auto fail = []() -> Values::Made { return absl::InternalError("no"); };
  EXPECT_FALSE(values.Get(1, fail).ok());
  int made = 0;
  EXPECT_TRUE(Get(values, 1, &made).ok());
}

}  // namespace
}  // namespace studio
