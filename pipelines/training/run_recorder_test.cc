#include "pipelines/training/run_recorder.h"

#include <torch/types.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/files/testing_folder.h"
#include "pipelines/checkpoint/checkpoint.pb.h"
#include "pipelines/config/config.h"
#include "pipelines/data/data_folder.h"
#include "pipelines/data/dataset.h"
#include "pipelines/testing/scoped_environment.h"
#include "pipelines/testing/testing_config.h"
#include "pipelines/training/learner.h"
#include "pipelines/training/run_folder.h"
#include "pipelines/training/stage_timer.h"
#include "pipelines/training/step_report.h"
#include "pipelines/training/training_observer.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines {
namespace {

namespace fs = std::filesystem;
using ::networks::files::FreshTestFolder;
using ::networks::files::ReadText;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class RunRecorderTest : public testing::Test {
 protected:
  void Begin(const std::vector<std::string>& overrides = {}) {
    config_ = *TinyConfig(overrides);
    const auto data = DataFolder(config_.data());
    ASSERT_THAT(data, IsOk());
    auto test = OpenSplit(*data, "test", config_.data(), 0);
    ASSERT_THAT(test, IsOk());
    test_ = *std::move(test);
    learner_ = *Learner::Create(config_, torch::kCPU, nullptr);
    learner_->model().train();
    folder_.emplace(*RunFolder::Open(path_));
    recorder_.emplace(torch::kCPU, "a CPU <of mine>", nullptr);
    ASSERT_THAT(recorder_->Begin(View()), IsOk());
  }

  RunView View() { return {config_, *folder_, state_, *learner_, *test_, 100}; }

  // A step of the run, with this loss; `is_last` of its epoch.
  void TakeStep(double loss, bool is_last = false) {
    state_.set_step(state_.step() + 1);
    StepReport report = learner_->Layout();
    report.SetAll(0);
    report.Set(kTotalLoss, loss);
    ASSERT_THAT(recorder_->AfterStep(View(), report, {0.5, 0.25}), IsOk());
    if (!is_last) return;
    state_.set_epoch(state_.epoch() + 1);
    ASSERT_THAT(recorder_->AfterEpoch(View()), IsOk());
  }

  std::string Text(const std::string& name) const {
    return ReadText(path_ + "/" + name);
  }
  bool Has(const std::string& name) const {
    return fs::exists(path_ + "/" + name);
  }

  int NumPictures() const {
    int count = 0;
    for ([[maybe_unused]] const auto& picture :
         fs::directory_iterator(path_ + "/pictures")) {
      ++count;
    }
    return count;
  }

  const ScopedCacheFolder cache_;
  const std::string path_ = FreshTestFolder();
  Config config_;
  CheckpointState state_;
  std::unique_ptr<data::Dataset> test_;
  std::unique_ptr<Learner> learner_;
  std::optional<RunFolder> folder_;
  std::optional<RunRecorder> recorder_;
};

TEST_F(RunRecorderTest, WritesTheConfigFirst) {
  Begin({"losses.warp=7"});
  const auto config = LoadConfig(path_ + "/config.textproto", {});
  ASSERT_THAT(config, IsOk());
  EXPECT_EQ(config->losses().warp(), 7);
}

TEST_F(RunRecorderTest, WritesALineForEachStep) {
  Begin();
  TakeStep(5);
  TakeStep(4);
  EXPECT_THAT(Text("losses.csv"), StartsWith("step,total,"));
  EXPECT_THAT(Text("losses.csv"), HasSubstr("\n1,5,"));
  EXPECT_THAT(Text("losses.csv"), HasSubstr("\n2,4,"));
  EXPECT_EQ(Text("timing.csv"),
            "step,seconds,data_share\n1,0.5,0.25\n2,0.5,0.25\n");
}

TEST_F(RunRecorderTest, DrawsPicturesAndThePageAtTheEndOfEpochs) {
  Begin();
  TakeStep(5);
  EXPECT_EQ(NumPictures(), 0);
  EXPECT_FALSE(Has("index.html"));
  TakeStep(4, /*is_last=*/true);
  EXPECT_TRUE(Has("pictures/epoch-00001.png"));
  EXPECT_THAT(Text("index.html"), HasSubstr("a CPU &lt;of mine&gt;"));
  EXPECT_TRUE(learner_->model().is_training());
}

TEST_F(RunRecorderTest, DrawsNoneOfEpochsThatTheConfigLeavesOut) {
  Begin({"training.picture_epochs=2"});
  TakeStep(5, /*is_last=*/true);
  EXPECT_EQ(NumPictures(), 0);
  TakeStep(4, /*is_last=*/true);
  EXPECT_TRUE(Has("pictures/epoch-00002.png"));
}

TEST_F(RunRecorderTest, DrawsOneAtTheEndOfTheRunInAnyCase) {
  Begin({"training.picture_epochs=1000"});
  TakeStep(5, /*is_last=*/true);
  EXPECT_EQ(NumPictures(), 0);
  const StageTimer timer;
  ASSERT_THAT(recorder_->End(View(), timer), IsOk());
  EXPECT_TRUE(Has("pictures/epoch-00001.png"));
}

// The folder of the run, which stands for its best checkpoint, whatever the
// newest is.
TEST_F(RunRecorderTest, NamesTheRunInTheCommandThatAnimates) {
  Begin();
  recorder_.emplace(torch::kCPU, "CPU", [](const std::string& checkpoint) {
    return "animate " + checkpoint;
  });
  ASSERT_THAT(recorder_->Begin(View()), IsOk());
  ASSERT_THAT(recorder_->Conclude(View(), Evaluation()), IsOk());
  EXPECT_THAT(Text("index.html"), Not(HasSubstr("animate /")));
  fs::create_directories(folder_->checkpoints());
  std::ofstream(folder_->checkpoints() + "/step-000000001.safetensors") << "x";
  ASSERT_THAT(recorder_->Conclude(View(), Evaluation()), IsOk());
  EXPECT_THAT(Text("index.html"),
              HasSubstr("animate " + folder_->path() + "<"));
}

TEST_F(RunRecorderTest, ShowsTheScoresOnThePageOnceTheyAreThere) {
  Begin();
  TakeStep(5, /*is_last=*/true);
  const std::string before = Text("index.html");
  EXPECT_THAT(before, Not(HasSubstr("0.0123")));
  Evaluation evaluation;
  evaluation.result.model.l1 = 0.0123;
  ASSERT_THAT(recorder_->Conclude(View(), evaluation), IsOk());
  EXPECT_THAT(Text("index.html"), HasSubstr("0.0123"));
}

}  // namespace
}  // namespace pipelines
