#include "pipelines/training/session.h"

#include <torch/types.h>
#include <torch/utils.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/files/testing_folder.h"
#include "pipelines/base/work_hooks.h"
#include "pipelines/config/config.h"
#include "pipelines/data/data_folder.h"
#include "pipelines/data/loader.h"
#include "pipelines/testing/scoped_environment.h"
#include "pipelines/testing/testing_config.h"
#include "pipelines/training/learner.h"
#include "pipelines/training/run_folder.h"
#include "pipelines/training/same_config.h"
#include "pipelines/training/step_report.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines {
namespace {

namespace fs = std::filesystem;
using ::absl::StatusCode;
using ::networks::files::FreshTestFolder;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

StepResult StepOfLoss(double loss) {
  StepResult result;
  result.report.Add(kTotalLoss, StepValueKind::kLoss);
  result.report.Set(kTotalLoss, loss);
  return result;
}

class SessionTest : public testing::Test {
 protected:
  SessionTest() {
    hooks_.note = [this](const std::string& note) { notes_.push_back(note); };
    hooks_.warn = [this](const std::string& text) {
      warnings_.push_back(text);
    };
  }

  static Config ConfigOf(const std::vector<std::string>& overrides) {
    return *TinyConfig(overrides);
  }

  // One of rank 0 in the test's folder.
  Session NewSession(const std::vector<std::string>& overrides = {}) const {
    return Session(ConfigOf(overrides), *RunFolder::Open(folder_), nullptr);
  }

  static std::unique_ptr<Learner> NewLearner() {
    return *Learner::Create(ConfigOf({}), torch::kCPU, nullptr);
  }

  const std::string folder_ = FreshTestFolder();
  std::vector<std::string> notes_, warnings_;
  WorkHooks hooks_;
};

TEST_F(SessionTest, GoesOnFromTheNewestCheckpoint) {
  const auto learner = NewLearner();
  {
    Session first = NewSession();
    ASSERT_THAT(first.Resume(*learner, hooks_), IsOk());
    first.Advance(StepOfLoss(1), 2.5, {0, 1});
    ASSERT_THAT(first.Save(learner->learnt()), IsOk());
    const torch::NoGradGuard no_grad;
    learner->model().parameters()[0].fill_(3);
    first.Advance(StepOfLoss(1), 0.5, {0, 2});
    ASSERT_THAT(first.Save(learner->learnt()), IsOk());
  }
  EXPECT_THAT(notes_, IsEmpty());
  const auto other = NewLearner();
  Session second = NewSession();
  ASSERT_THAT(second.Resume(*other, hooks_), IsOk());
  EXPECT_EQ(second.state().step(), 2);
  EXPECT_EQ(second.state().trained_seconds(), 3);
  EXPECT_EQ(second.position().step, 2);
  EXPECT_TRUE(torch::equal(other->model().parameters()[0],
                           learner->model().parameters()[0]));
  EXPECT_THAT(notes_, ElementsAre(testing::AllOf(
                          HasSubstr("step-000000002.safetensors, step 2"),
                          HasSubstr("after 3.0 seconds of training"))));
}

// Which had its name before it was saved again, as at the end of a run.
TEST_F(SessionTest, SavesTheBestStepAsTheBestToo) {
  const auto learner = NewLearner();
  Session session = NewSession();
  ASSERT_THAT(session.Resume(*learner, hooks_), IsOk());
  session.Advance(StepOfLoss(1), 1, {0, 1});
  ASSERT_THAT(session.Save(learner->learnt()), IsOk());
  ASSERT_THAT(session.store()->MarkBest(1), IsOk());
  session.mutable_state().set_best_step(1);
  ASSERT_THAT(session.Save(learner->learnt()), IsOk());
  EXPECT_TRUE(
      fs::equivalent(session.store()->best(), session.store()->Newest()));
  session.Advance(StepOfLoss(1), 1, {0, 2});
  ASSERT_THAT(session.Save(learner->learnt()), IsOk());
  EXPECT_FALSE(
      fs::equivalent(session.store()->best(), session.store()->Newest()));
}

// A loss of training is no measure for an error on test frames.
TEST_F(SessionTest, ForgetsTheBestOfAnotherMetricOrOfOtherFrames) {
  const auto learner = NewLearner();
  const std::string l1 = "training.best_checkpoint.metric=TEST_L1";
  {
    Session first = NewSession({l1});
    ASSERT_THAT(first.Resume(*learner, hooks_), IsOk());
    first.Advance(StepOfLoss(1), 1, {0, 1});
    first.mutable_state().set_best_step(1);
    first.mutable_state().set_best_value(0.05);
    ASSERT_THAT(first.Save(learner->learnt()), IsOk());
  }
  for (const std::vector<std::string>& changed :
       {std::vector<std::string>{"training.best_checkpoint.metric="
                                 "TRAINING_LOSS"},
        {l1, "training.best_checkpoint.frame_step=7"}}) {
    Session other = NewSession(changed);
    ASSERT_THAT(other.Resume(*learner, hooks_), IsOk());
    EXPECT_TRUE(other.config_changed());
    EXPECT_EQ(other.state().best_step(), -1);
    EXPECT_EQ(other.state().loss_steps(), 0);
    EXPECT_THAT(notes_.back(), HasSubstr("best until now, of step 1"));
  }
  Session same = NewSession({l1});
  ASSERT_THAT(same.Resume(*learner, hooks_), IsOk());
  EXPECT_FALSE(same.config_changed());
  EXPECT_EQ(same.state().best_step(), 1);
}

// Frames are compared, times of files are not.
TEST_F(SessionTest, ForgetsTheBestOfOtherTestClips) {
  const ScopedCacheFolder cache;
  const Config config = ConfigOf({});
  const auto folder = DataFolder(config.data());
  ASSERT_THAT(folder, IsOk());
  const auto train = OpenSplit(*folder, "train", config.data(), 0);
  const auto test = OpenSplit(*folder, "test", config.data(), 0);
  ASSERT_THAT(train, IsOk());
  ASSERT_THAT(test, IsOk());
  for (const std::string metric : {"TEST_L1", "TRAINING_LOSS"}) {
    Session session = NewSession({"training.best_checkpoint.metric=" + metric});
    ASSERT_THAT(session.CompareClips(**train, **test, hooks_), IsOk());
    session.mutable_state().set_best_step(1);
    session.mutable_state().set_best_value(0.05);
    session.mutable_state().mutable_test_clips()->set_times("others");
    ASSERT_THAT(session.CompareClips(**train, **test, hooks_), IsOk());
    EXPECT_EQ(session.state().best_step(), 1);
    ASSERT_THAT(session.CompareClips(**train, **train, hooks_), IsOk());
    EXPECT_EQ(session.state().best_step(), metric == "TEST_L1" ? -1 : 1);
  }
  EXPECT_THAT(notes_, ElementsAre(HasSubstr(
                          "the test clips are others: the best until now, of "
                          "step 1, stays until the next look")));
}

// Until then nothing of the run is changed.
TEST_F(SessionTest, SetsTheBestAsideWithItsFirstSaveWhereNoneIsKept) {
  const auto learner = NewLearner();
  std::string best;
  {
    Session first = NewSession();
    ASSERT_THAT(first.Resume(*learner, hooks_), IsOk());
    first.Advance(StepOfLoss(1), 1, {0, 1});
    first.mutable_state().set_best_step(1);
    ASSERT_THAT(first.Save(learner->learnt()), IsOk());
    best = first.store()->best();
  }
  const std::string former =
      fs::path(best).parent_path() / "former-best.safetensors";
  Session second = NewSession({"training.best_checkpoint.metric=NONE"});
  ASSERT_THAT(second.Resume(*learner, hooks_), IsOk());
  EXPECT_THAT(notes_.back(),
              HasSubstr("best.safetensors is set aside as "
                        "former-best.safetensors with the next save"));
  EXPECT_TRUE(fs::exists(best));
  second.Advance(StepOfLoss(1), 1, {0, 2});
  ASSERT_THAT(second.Save(learner->learnt()), IsOk());
  EXPECT_FALSE(fs::exists(best));
  EXPECT_TRUE(fs::exists(former));
  second.Advance(StepOfLoss(1), 1, {0, 3});
  EXPECT_THAT(second.Save(learner->learnt()), IsOk());
}

TEST_F(SessionTest, RefusesTheRunOfAnotherConfig) {
  const auto learner = NewLearner();
  {
    Session first = NewSession();
    ASSERT_THAT(first.Resume(*learner, hooks_), IsOk());
    first.Advance(StepOfLoss(1), 1, {0, 1});
    ASSERT_THAT(first.Save(learner->learnt()), IsOk());
  }
  Session second = NewSession({"losses.warp=3"});
  EXPECT_THAT(
      second.Resume(*learner, hooks_),
      StatusIs(StatusCode::kFailedPrecondition, HasSubstr("losses.warp")));
}

TEST_F(SessionTest, KeepsTheWeightsThatTheRunBeganWith) {
  const auto learner = NewLearner();
  {
    Session first = NewSession();
    ASSERT_THAT(first.Resume(*learner, hooks_), IsOk());
    first.Advance(StepOfLoss(1), 1, {0, 1});
    ASSERT_THAT(first.Save(learner->learnt()), IsOk());
  }
  Session second = NewSession({"training.initial_weights=runs/base"});
  ASSERT_THAT(second.Resume(*learner, hooks_), IsOk());
  EXPECT_EQ(second.state().config().training().initial_weights(), "");
  EXPECT_FALSE(second.config_changed());
  EXPECT_THAT(notes_.back(),
              HasSubstr("it began with random weights, not with runs/base"));
}

// As long as steps are to come, they are dealt out as the config says now.
TEST_F(SessionTest, KeepsTheBatchesOfARunThatIsFinished) {
  const auto learner = NewLearner();
  const std::string end = "training.max_steps=1";
  {
    Session first = NewSession({"training.batch_size=4", end});
    ASSERT_THAT(first.Resume(*learner, hooks_), IsOk());
    first.Advance(StepOfLoss(1), 1, {0, 1});
    first.mutable_state().set_finished(true);
    ASSERT_THAT(first.Save(learner->learnt()), IsOk());
  }
  const auto batch_size = [&](const std::string& max_steps) {
    Session next = NewSession(
        {"training.batch_size=2", "training.accumulation=2", max_steps});
    EXPECT_THAT(next.Resume(*learner, hooks_), IsOk());
    return next.state().config().training().batch_size();
  };
  EXPECT_EQ(batch_size(end), 4);
  EXPECT_EQ(batch_size("training.max_steps=9"), 2);
}

// Two processes saw four pairs a step, which this one does not.
TEST_F(SessionTest, KeepsThePositionOfARunThatIsFinished) {
  const auto learner = NewLearner();
  {
    Session first = NewSession({"training.max_steps=1"});
    ASSERT_THAT(first.Resume(*learner, hooks_), IsOk());
    first.Advance(StepOfLoss(1), 1, {0, 1});
    first.mutable_state().set_samples_per_step(4);
    first.mutable_state().set_finished(true);
    ASSERT_THAT(first.Save(learner->learnt()), IsOk());
  }
  Session second = NewSession({"training.max_steps=1"});
  ASSERT_THAT(second.Resume(*learner, hooks_), IsOk());
  EXPECT_EQ(second.state().step_in_epoch(), 1);
  EXPECT_EQ(second.state().samples_per_step(), 4);
  EXPECT_THAT(notes_, ElementsAre(HasSubstr("going on from")));
}

TEST_F(SessionTest, WarnsOfWhatIsFrozenAtRandom) {
  const Config config = ConfigOf({R"(training.frozen=["kp_detector"])"});
  const auto learner = Learner::Create(config, torch::kCPU, nullptr);
  ASSERT_THAT(learner, IsOk());
  Session first = NewSession();
  ASSERT_THAT(first.Resume(**learner, hooks_), IsOk());
  EXPECT_THAT(warnings_, ElementsAre(testing::AllOf(
                             HasSubstr("training.frozen keeps "),
                             HasSubstr("at random values, as kp_detector."))));
}

TEST_F(SessionTest, SaysNothingOfWhatIsFrozenWithWeights) {
  const auto learner = NewLearner();
  Session first = NewSession();
  ASSERT_THAT(first.Resume(*learner, hooks_), IsOk());
  ASSERT_THAT(first.Save(learner->learnt()), IsOk());
  const Config config =
      ConfigOf({R"(training.frozen=["kp_detector"])",
                "training.initial_weights=" + first.store()->Newest()});
  const auto frozen = Learner::Create(config, torch::kCPU, nullptr);
  ASSERT_THAT(frozen, IsOk());
  Session second(config, *RunFolder::Open(folder_ + "/second"), nullptr);
  ASSERT_THAT(second.Resume(**frozen, hooks_), IsOk());
  EXPECT_THAT(warnings_, IsEmpty());
}

TEST_F(SessionTest, KnowsWhetherItsInitialWeightsPaint) {
  const auto learner = NewLearner();
  for (const bool paints : {true, false}) {
    const std::string folder = folder_ + (paints ? "/paints" : "/moves");
    const std::string motion =
        paints ? "training.motion_steps=0" : "training.motion_steps=5";
    Session first(ConfigOf({motion, "losses.photometric=1"}),
                  *RunFolder::Open(folder), nullptr);
    ASSERT_THAT(first.Resume(*learner, hooks_), IsOk());
    EXPECT_FALSE(first.state().has_began_painting());
    first.Advance(StepOfLoss(1), 1, {0, 1});
    ASSERT_THAT(first.Save(learner->learnt()), IsOk());
    Session second(
        ConfigOf({"training.initial_weights=" + first.store()->Newest()}),
        *RunFolder::Open(folder + "-second"), nullptr);
    ASSERT_THAT(second.Resume(*learner, hooks_), IsOk());
    EXPECT_TRUE(second.state().has_began_painting());
    EXPECT_EQ(second.state().began_painting(), paints);
  }
}

TEST_F(SessionTest, LearnsToPaintWhereItsInitialWeightsHaveOtherSizes) {
  const auto learner = NewLearner();
  Session first = NewSession();
  ASSERT_THAT(first.Resume(*learner, hooks_), IsOk());
  ASSERT_THAT(first.Save(learner->learnt()), IsOk());
  const Config config =
      ConfigOf({"model.inpainting.block_expansion=4",
                "training.initial_weights=" + first.store()->Newest()});
  const auto narrow = Learner::Create(config, torch::kCPU, nullptr);
  ASSERT_THAT(narrow, IsOk());
  Session second(config, *RunFolder::Open(folder_ + "/second"), nullptr);
  ASSERT_THAT(second.Resume(**narrow, hooks_), IsOk());
  EXPECT_FALSE(second.state().began_painting());
}

// The checkpoint is that of two processes, whose steps saw four pairs; the
// step of this one sees two.
TEST_F(SessionTest, GoesOnAfterTheLastPairThatWasSeen) {
  const auto learner = NewLearner();
  {
    Session first = NewSession();
    ASSERT_THAT(first.Resume(*learner, hooks_), IsOk());
    first.Advance(StepOfLoss(1), 1, {0, 1});
    first.mutable_state().set_samples_per_step(4);
    ASSERT_THAT(first.Save(learner->learnt()), IsOk());
  }
  Session second = NewSession();
  ASSERT_THAT(second.Resume(*learner, hooks_), IsOk());
  EXPECT_EQ(second.state().step_in_epoch(), 2);
  EXPECT_EQ(second.state().samples_per_step(), 2);
  EXPECT_THAT(notes_,
              ElementsAre(HasSubstr("going on from"),
                          HasSubstr("a step saw 4 pairs, from here on 2")));
}

TEST_F(SessionTest, WritesNothingInOtherProcessesThanTheFirst) {
  const auto learner = NewLearner();
  Session session(ConfigOf({}), std::nullopt, nullptr);
  ASSERT_THAT(session.Resume(*learner, hooks_), IsOk());
  session.Advance(StepOfLoss(1), 1, {0, 1});
  EXPECT_THAT(session.Save(learner->learnt()), IsOk());
  EXPECT_EQ(session.store(), nullptr);
  EXPECT_FALSE(fs::exists(folder_));
}

// Its position is in batches, its state in steps.
TEST_F(SessionTest, CountsABatchForEachPartOfAStep) {
  Session session = NewSession({"training.accumulation=3"});
  session.SetPosition({4, 6});
  EXPECT_EQ(session.state().epoch(), 4);
  EXPECT_EQ(session.state().step_in_epoch(), 2);
  EXPECT_EQ(session.position().epoch, 4);
  EXPECT_EQ(session.position().step, 6);
}

TEST_F(SessionTest, EndsAtTheFirstLimit) {
  Session epochs = NewSession({"training.num_epochs=2"});
  epochs.SetPosition({1, 3});
  EXPECT_FALSE(epochs.IsAtTheEnd());
  epochs.SetPosition({2, 0});
  EXPECT_TRUE(epochs.IsAtTheEnd());

  Session steps(ConfigOf({"training.max_steps=2"}), std::nullopt, nullptr);
  steps.Advance(StepOfLoss(1), 1, {0, 1});
  EXPECT_FALSE(steps.IsAtTheEnd());
  steps.Advance(StepOfLoss(1), 1, {0, 2});
  EXPECT_TRUE(steps.IsAtTheEnd());

  Session minutes(ConfigOf({"training.max_minutes=2"}), std::nullopt, nullptr);
  minutes.Advance(StepOfLoss(1), 119, {0, 1});
  EXPECT_FALSE(minutes.IsAtTheEnd());
  minutes.Advance(StepOfLoss(1), 1, {0, 2});
  EXPECT_TRUE(minutes.IsAtTheEnd());
}

TEST_F(SessionTest, LeavesTheLossOfMotionStepsOut) {
  Session session =
      NewSession({"training.motion_steps=1", "losses.photometric=1"});
  session.Advance(StepOfLoss(100), 1, {0, 1});
  EXPECT_EQ(session.state().loss_steps(), 0);
  session.Advance(StepOfLoss(2), 1, {0, 2});
  session.Advance(StepOfLoss(3), 1, {0, 3});
  EXPECT_EQ(session.state().loss_sum(), 5);
  EXPECT_EQ(session.state().loss_steps(), 2);
}

TEST_F(SessionTest, SavesByEpochsAndBySteps) {
  Session epochs = NewSession(
      {"training.checkpoint_epochs=2", "training.checkpoint_minutes=0"});
  epochs.Advance(StepOfLoss(1), 1, {1, 0});
  EXPECT_TRUE(epochs.IsAtEpochEnd());
  EXPECT_FALSE(epochs.IsTimeToSave());
  epochs.Advance(StepOfLoss(1), 1, {2, 0});
  EXPECT_TRUE(epochs.IsTimeToSave());

  Session steps(ConfigOf({"training.checkpoint_steps=2",
                          "training.checkpoint_minutes=0"}),
                std::nullopt, nullptr);
  steps.Advance(StepOfLoss(1), 1, {0, 1});
  EXPECT_FALSE(steps.IsTimeToSave());
  steps.Advance(StepOfLoss(1), 1, {0, 2});
  EXPECT_TRUE(steps.IsTimeToSave());
}

// Of 40 steps taken, none saw what an epoch is now.
TEST_F(SessionTest, ExpectsTheStepsTakenAndThoseOfTheEpochsToCome) {
  const ScopedCacheFolder cache;
  const Config config = ConfigOf({});
  const auto folder = DataFolder(config.data());
  ASSERT_THAT(folder, IsOk());
  const auto train = OpenSplit(*folder, "train", config.data(), 0);
  ASSERT_THAT(train, IsOk());
  data::LoaderOptions options;
  options.batch_size = 1;
  const auto loader = data::Loader::Create(train->get(), options);
  ASSERT_THAT(loader, IsOk());
  const int64_t epoch = (*loader)->steps_per_epoch();
  ASSERT_GT(epoch, 1);
  const auto expected = [&](const std::string& limit) {
    Session session(ConfigOf({limit}), std::nullopt, nullptr);
    session.mutable_state().set_step(40);
    session.SetPosition({1, 1});
    return session.ExpectedSteps(**loader);
  };
  EXPECT_EQ(expected("training.num_epochs=3"), 40 + 2 * epoch - 1);
  EXPECT_EQ(expected("training.num_epochs=1"), 40);
  EXPECT_EQ(expected("training.max_steps=41"), 41);
}

TEST_F(SessionTest, WarnsWhenTheClipsAreOthers) {
  const ScopedCacheFolder cache;
  const Config config = ConfigOf({});
  const auto folder = DataFolder(config.data());
  ASSERT_THAT(folder, IsOk());
  const auto train = OpenSplit(*folder, "train", config.data(), 0);
  const auto test = OpenSplit(*folder, "test", config.data(), 0);
  ASSERT_THAT(train, IsOk());
  ASSERT_THAT(test, IsOk());
  Session session = NewSession();
  EXPECT_THAT(session.CompareClips(**train, **test, hooks_), IsOk());
  EXPECT_THAT(session.CompareClips(**train, **test, hooks_), IsOk());
  EXPECT_THAT(warnings_, IsEmpty());
  EXPECT_THAT(session.CompareClips(**train, **train, hooks_), IsOk());
  EXPECT_THAT(warnings_, ElementsAre(HasSubstr("will not end as if")));
}

// As copied to another disk, with other times.
TEST_F(SessionTest, GoesOnWithTheSameClipsInAnotherFolder) {
  const ScopedCacheFolder cache;
  const auto puppets = DataFolder(ConfigOf({}).data());
  ASSERT_THAT(puppets, IsOk());
  const std::string copy = folder_ + "_clips";
  fs::remove_all(copy);
  fs::copy(*puppets, copy, fs::copy_options::recursive);
  const auto learner = NewLearner();
  // The split that a session has for its test clips.
  const auto go_on = [&](const std::string& clips, const std::string& split) {
    const Config config = ConfigOf({"data.folder=" + clips});
    const auto train = OpenSplit(clips, "train", config.data(), 0);
    const auto test = OpenSplit(clips, split, config.data(), 0);
    EXPECT_THAT(train, IsOk());
    EXPECT_THAT(test, IsOk());
    Session session = NewSession({"data.folder=" + clips});
    EXPECT_THAT(session.Resume(*learner, hooks_), IsOk());
    absl::Status status = session.CompareClips(**train, **test, hooks_);
    if (status.ok()) status = session.Save(learner->learnt());
    return status;
  };
  EXPECT_THAT(go_on(*puppets, "test"), IsOk());
  EXPECT_THAT(go_on(copy, "test"), IsOk());
  EXPECT_THAT(warnings_, IsEmpty());
  EXPECT_THAT(notes_.back(), HasSubstr("the clips are now in " + copy));
  const absl::Status status = go_on(*puppets, "train");
  EXPECT_TRUE(IsConfigMismatch(status));
  EXPECT_THAT(status.message(),
              testing::AllOf(HasSubstr("data.folder: " + copy + " -> "),
                             HasSubstr("the test clips have changed")));
}

}  // namespace
}  // namespace pipelines
