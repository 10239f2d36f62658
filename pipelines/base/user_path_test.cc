#include "pipelines/base/user_path.h"

#include <pwd.h>
#include <unistd.h>

#include <filesystem>
#include <optional>
#include <string>

#include "gtest/gtest.h"
#include "pipelines/testing/scoped_environment.h"

namespace pipelines {
namespace {

namespace fs = std::filesystem;

TEST(UserPath, IsRelativeToWhereTheUserStands) {
  const ScopedEnvironment folder("CPAB_USER_DIRECTORY", "/home/me/work");
  const ScopedEnvironment home("HOME", "/home/me");
  EXPECT_EQ(UserPath("clips/a"), "/home/me/work/clips/a");
  EXPECT_EQ(UserPath("../b"), "/home/me/b");
  EXPECT_EQ(UserPath("/c"), "/c");
  EXPECT_EQ(UserPath("~/d"), "/home/me/d");
  EXPECT_EQ(UserPath(""), "");
}

// As in the shell, also to what is not there yet.
TEST(UserPath, LeadsThroughLinks) {
  const fs::path root =
      fs::path(testing::TempDir()).lexically_normal() / "user_path";
  fs::remove_all(root);
  fs::create_directories(root / "disk/set/deep");
  fs::create_directory_symlink(root / "disk/set", root / "dl");
  const ScopedEnvironment folder("CPAB_USER_DIRECTORY", root.string());
  const auto path = [&](const char* name) { return (root / name).string(); };
  EXPECT_EQ(UserPath("dl/../in.png"), path("dl/../in.png"));
  EXPECT_EQ(UserPath("dl/deep/../../in.png"), path("dl/deep/../../in.png"));
  EXPECT_EQ(UserPath("dl/deep/../in.png"), path("dl/in.png"));
  EXPECT_EQ(UserPath("./disk/set/..//in.png"), path("disk/in.png"));
  // There, both are one file.
  fs::create_directory_symlink(root / "disk", root / "beside");
  EXPECT_EQ(UserPath("beside/../disk"), path("disk"));
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
