#include "tools/reliability/kill_trials.h"

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
  for (const uint64_t seed : {1, 2, 3}) {
    const auto trial = trials->Run(seed);
    ASSERT_THAT(trial, IsOk());
    EXPECT_TRUE(trial->same_weights) << "seed " << seed;
    EXPECT_TRUE(trial->same_losses) << "seed " << seed;
  }
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
