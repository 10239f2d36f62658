#include "tools/reliability/kill_trials.h"

#include <sys/resource.h>
#include <unistd.h>

#include "gtest/gtest.h"
#include "networks/files/testing_folder.h"
#include "pipelines/testing/scoped_environment.h"
#include "third_party/absl/status_matchers.h"

namespace reliability {
namespace {

// Hundreds of these by the program kill_trials; see README.md.
TEST(KillTrials, KilledRunsEndAsIfTheyHadNotBeen) {
  const pipelines::ScopedCacheFolder cache;
  const auto trials =
      KillTrials::Create({{"pipelines/train", "--config",
                           "pipelines/training/testdata/kill_trials.textproto",
                           "--device=cpu", "--threads=1"},
                          testing::TempDir() + "/trials"});
  ASSERT_THAT(trials, IsOk());
  // Its run is killed at a save, and then at a random time.
  const auto trial = trials->Run(/*seed=*/7);
  ASSERT_THAT(trial, IsOk());
  EXPECT_TRUE(trial->same_weights);
  EXPECT_TRUE(trial->same_losses);
  EXPECT_GT(trial->kills, 0);
}

// What the trials are about would not be tried.
TEST(KillTrials, RefuseARunThatSavesNothing) {
  EXPECT_THAT(KillTrials::Create({{"/bin/true"}, testing::TempDir() + "/idle"}),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       testing::HasSubstr("saved nothing")));
}

TEST(KillTrials, RefuseAFolderThatCannotBeWatched) {
  rlimit limit;
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  const int next = dup(STDERR_FILENO);
  close(next);
  const rlimit none_left = {static_cast<rlim_t>(next), limit.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none_left), 0);
  const auto trials =
      KillTrials::Create({{"/bin/true"}, testing::TempDir() + "/unwatched"});
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
  EXPECT_THAT(trials, StatusIs(absl::StatusCode::kResourceExhausted,
                               testing::HasSubstr("cannot watch")));
}

using HaveSameContentsTest = networks::files::FolderTest;

TEST_F(HaveSameContentsTest, ComparesBytes) {
  Write("a", "1,2\n");
  Write("same", "1,2\n");
  Write("other", "1,3\n");
  EXPECT_THAT(HaveSameContents(Path("a"), Path("same")), IsOkAndHolds(true));
  EXPECT_THAT(HaveSameContents(Path("a"), Path("other")), IsOkAndHolds(false));
}

TEST_F(HaveSameContentsTest, FilesThatAreMissingOrEmptyAreNotTheSame) {
  Write("a", "1,2\n");
  Write("empty", "");
  for (const char* bad : {"missing", "empty"}) {
    EXPECT_THAT(HaveSameContents(Path(bad), Path(bad)), testing::Not(IsOk()));
    EXPECT_THAT(HaveSameContents(Path("a"), Path(bad)), testing::Not(IsOk()));
    EXPECT_THAT(HaveSameContents(Path(bad), Path("a")), testing::Not(IsOk()));
  }
}

}  // namespace
}  // namespace reliability
