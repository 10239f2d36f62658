#include "tools/studio/base/limit.h"

#include <memory>

#include "gtest/gtest.h"

namespace studio {
namespace {

TEST(LimitTest, APlaceIsFreeAgainWhenItsLastCopyIsGone) {
  Limit limit(2);
  std::shared_ptr<void> first = limit.Take();
  const std::shared_ptr<void> second = limit.Take();
  ASSERT_TRUE(first && second);
  EXPECT_FALSE(limit.Take());
  std::shared_ptr<void> copy = first;
  first.reset();
  EXPECT_FALSE(limit.Take());
  copy.reset();
  EXPECT_TRUE(limit.Take());
}

}  // namespace
}  // namespace studio
