#include "pipelines/base/user_path.h"

#include <pwd.h>
#include <unistd.h>

#include <optional>
#include <string>

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

TEST(CacheFolder, IsBelowTheCacheOfTheUser) {
  const ScopedEnvironment home("HOME", "/home/me");
  {
    const ScopedEnvironment cache("XDG_CACHE_HOME", "/var/cache");
    EXPECT_EQ(CacheFolder(), "/var/cache/cpab_animation");
  }
  const ScopedEnvironment cache("XDG_CACHE_HOME", std::nullopt);
  EXPECT_EQ(CacheFolder(), "/home/me/.cache/cpab_animation");
}

// As in services and scheduled jobs.
TEST(CacheFolder, IsInTheHomeThatTheSystemKnowsWhereHomeIsNotSet) {
  const passwd* const user = getpwuid(geteuid());
  if (user == nullptr) GTEST_SKIP() << "this user has no entry";
  const std::string known = user->pw_dir;
  const ScopedEnvironment cache("XDG_CACHE_HOME", std::nullopt);
  for (const std::optional<std::string>& value :
       {std::optional<std::string>(), std::optional<std::string>("")}) {
    const ScopedEnvironment home("HOME", value);
    EXPECT_EQ(CacheFolder(), known + "/.cache/cpab_animation");
    EXPECT_EQ(UserPath("~/a"), known + "/a");
  }
}

}  // namespace
}  // namespace pipelines
