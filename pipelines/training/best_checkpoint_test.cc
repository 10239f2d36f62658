#include "pipelines/training/best_checkpoint.h"

#include <torch/types.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/files/testing_folder.h"
#include "pipelines/base/work_hooks.h"
#include "pipelines/checkpoint/checkpoint.h"
#include "pipelines/config/config.h"
#include "pipelines/data/data_folder.h"
#include "pipelines/data/dataset.h"
#include "pipelines/testing/scoped_environment.h"
#include "pipelines/testing/testing_config.h"
#include "pipelines/training/learner.h"
#include "pipelines/training/run_folder.h"
#include "pipelines/training/session.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines {
namespace {

namespace fs = std::filesystem;
using ::absl::StatusCode;
using ::networks::files::FreshTestFolder;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// Two test clips of six frames; a step sees two pairs.
class BestCheckpointTest : public testing::Test {
 protected:
  // A run that has not begun, and looks by `overrides`.
  void Begin(const std::vector<std::string>& overrides) {
    best_.reset();
    session_.reset();  // and with it the folder's lock
    config_ = *TinyConfig(overrides);
    const auto folder = DataFolder(config_.data());
    ASSERT_THAT(folder, IsOk());
    auto test = OpenSplit(*folder, "test", config_.data(), 0);
    ASSERT_THAT(test, IsOk());
    test_ = *std::move(test);
    learner_ = *Learner::Create(config_, torch::kCPU, nullptr);
    learner_->model().train();
    session_.emplace(config_, *RunFolder::Open(folder_), nullptr);
    best_.emplace(config_, &*session_, test_.get());
  }

  // The run is at `step`, the last of an epoch, and saved; it looks. `loss` is
  // the mean since the last look.
  absl::Status LookAt(int64_t step, double loss = 0) {
    CheckpointState& state = session_->mutable_state();
    state.set_step(step);
    state.set_epoch(state.epoch() + 1);
    state.set_step_in_epoch(0);
    state.set_loss_sum(10 * loss);
    state.set_loss_steps(10);
    EXPECT_THAT(session_->Save(learner_->learnt()), IsOk());
    return Look();
  }

  absl::Status Look() {
    return best_->LookIfDue(*learner_, torch::kCPU, hooks_, [this](double l1) {
      measured_.push_back(l1);
      return absl::OkStatus();
    });
  }

  // The step that best.safetensors is of; -1 without one.
  int64_t StepOfBest() const {
    if (!fs::exists(session_->store()->best())) return -1;
    return ReadCheckpointState(session_->store()->best())->step();
  }

  const ScopedCacheFolder cache_;
  const std::string folder_ = FreshTestFolder();
  Config config_;
  std::unique_ptr<data::Dataset> test_;
  std::unique_ptr<Learner> learner_;
  std::optional<Session> session_;
  std::optional<BestCheckpoint> best_;
  WorkHooks hooks_;
  std::vector<double> measured_;
};

constexpr char kByLoss[] = "training.best_checkpoint.metric=TRAINING_LOSS";

TEST_F(BestCheckpointTest, IsThatOfTheLowestLoss) {
  Begin({kByLoss, "training.keep_checkpoints=1"});
  ASSERT_THAT(LookAt(1, 5), IsOk());
  EXPECT_EQ(StepOfBest(), 1);
  ASSERT_THAT(LookAt(2, 7), IsOk());
  EXPECT_EQ(StepOfBest(), 1);
  ASSERT_THAT(LookAt(3, 2), IsOk());
  EXPECT_EQ(StepOfBest(), 3);
  EXPECT_EQ(session_->state().best_value(), 2);
  EXPECT_EQ(session_->state().loss_steps(), 0);
  EXPECT_THAT(measured_, IsEmpty());
}

TEST_F(BestCheckpointTest, IsNoneWhereNoneIsWanted) {
  Begin({"training.best_checkpoint.metric=NONE"});
  ASSERT_THAT(LookAt(1, 5), IsOk());
  EXPECT_EQ(StepOfBest(), -1);
  // So nothing is saved for it, and a metric chosen later looks at once.
  EXPECT_EQ(session_->state().looked_at_step(), -1);
}

TEST_F(BestCheckpointTest, LooksAtFewFrames) {
  Begin({"training.best_checkpoint.frame_step=4"});
  EXPECT_EQ(best_->frames_of_a_look(), 2 * 2);
  Begin({"training.best_checkpoint.frame_step=4",
         "training.best_checkpoint.max_clips=1"});
  EXPECT_EQ(best_->frames_of_a_look(), 2);
  Begin({kByLoss});
  EXPECT_EQ(best_->frames_of_a_look(), 0);
}

TEST_F(BestCheckpointTest, LooksWhenEnoughPairsWereSeen) {
  Begin({});
  const int64_t steps = kPairsForAFrame * best_->frames_of_a_look() / 2;
  ASSERT_THAT(LookAt(steps - 1), IsOk());
  EXPECT_THAT(measured_, IsEmpty());
  ASSERT_THAT(LookAt(steps), IsOk());
  EXPECT_THAT(measured_, ElementsAre(session_->state().best_value()));
  EXPECT_EQ(StepOfBest(), steps);
  ASSERT_THAT(LookAt(2 * steps - 1), IsOk());
  EXPECT_THAT(measured_, SizeIs(1));
  EXPECT_TRUE(learner_->model().is_training());
}

TEST_F(BestCheckpointTest, DoesNotLookInsideAnEpochUnlessTheRunIsFinished) {
  Begin({});
  session_->mutable_state().set_step(1000);
  session_->mutable_state().set_step_in_epoch(1);
  ASSERT_THAT(session_->Save(learner_->learnt()), IsOk());
  ASSERT_THAT(Look(), IsOk());
  EXPECT_THAT(measured_, IsEmpty());
  session_->mutable_state().set_finished(true);
  ASSERT_THAT(Look(), IsOk());
  ASSERT_THAT(Look(), IsOk());
  EXPECT_THAT(measured_, SizeIs(1));
}

TEST_F(BestCheckpointTest, DoesNotLookWhileMotionAloneIsTaught) {
  Begin({kByLoss, "training.motion_steps=5", "losses.photometric=1"});
  ASSERT_THAT(LookAt(5, 1), IsOk());
  EXPECT_EQ(session_->state().looked_at_step(), -1);
  ASSERT_THAT(LookAt(6, 1), IsOk());
  EXPECT_EQ(session_->state().looked_at_step(), 6);
}

TEST_F(BestCheckpointTest, LooksAgainAfterALookThatWasStopped) {
  Begin({});
  hooks_.stop = [] { return true; };
  EXPECT_THAT(LookAt(1000), StatusIs(StatusCode::kCancelled, testing::_));
  EXPECT_EQ(session_->state().looked_at_step(), -1);
  EXPECT_TRUE(learner_->model().is_training());
  hooks_.stop = nullptr;
  ASSERT_THAT(Look(), IsOk());
  EXPECT_EQ(StepOfBest(), 1000);
}

}  // namespace
}  // namespace pipelines
