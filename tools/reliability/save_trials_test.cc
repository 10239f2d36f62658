// A small share of what save_trials_main.cc runs.
#include "tools/reliability/save_trials.h"

#include <utility>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/files/testing_folder.h"
#include "third_party/absl/status_matchers.h"

namespace reliability {
namespace {

using ::testing::IsEmpty;

class SaveTrialsTest : public networks::files::FolderTest {
 protected:
  void SetUp() override {
    auto trials = SaveTrials::Create(Path("trials"));
    ASSERT_THAT(trials, IsOk());
    trials_ = *std::move(trials);
  }

  std::unique_ptr<SaveTrials> trials_;
};

TEST_F(SaveTrialsTest, ASaveThatIsKilledAnywhereLosesNothing) {
  const auto report = trials_->KillEverywhere(/*every=*/150);
  ASSERT_THAT(report, IsOk());
  EXPECT_THAT(report->failures, IsEmpty());
  // open, lock, note, temporary, writes, fsync, rename, fsync, unlink ...
  EXPECT_GT(report->trials, 20);
}

TEST_F(SaveTrialsTest, ASaveThatFailsAnywhereLosesNothing) {
  const auto report =
      trials_->FailEverywhere(/*every=*/300, /*offsets=*/8, /*seed=*/1);
  ASSERT_THAT(report, IsOk());
  EXPECT_THAT(report->failures, IsEmpty());
  EXPECT_GT(report->trials, 40);
}

TEST_F(SaveTrialsTest, DamageIsFoundBeforeATensorIsUsed) {
  const auto report = trials_->Damage(/*flips=*/150, /*cuts=*/40, /*seed=*/1);
  ASSERT_THAT(report, IsOk());
  EXPECT_THAT(report->failures, IsEmpty());
  EXPECT_EQ(report->trials, 190);
}

}  // namespace
}  // namespace reliability
