#include "pipelines/base/user_path.h"

#include "gtest/gtest.h"
#include "pipelines/testing/scoped_environment.h"

namespace pipelines {
namespace {

TEST(UserPath, IsRelativeToWhereTheUserStands) {
  const ScopedEnvironment folder("CPAB_USER_DIRECTORY", "/home/me/work");
  const ScopedEnvironment home("HOME", "/home/me");
  EXPECT_EQ(UserPath("clips/a"), "/home/me/work/clips/a");
  EXPECT_EQ(UserPath("../b"), "/home/me/b");
  EXPECT_EQ(UserPath("/c"), "/c");
  EXPECT_EQ(UserPath("~/d"), "/home/me/d");
  EXPECT_EQ(UserPath(""), "");
}

}  // namespace
}  // namespace pipelines
