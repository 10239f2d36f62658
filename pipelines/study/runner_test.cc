#include "pipelines/study/runner.h"

#include <csignal>
#include <filesystem>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/files/testing_folder.h"
#include "opencv2/core.hpp"
#include "pipelines/base/child_process.h"
#include "pipelines/checkpoint/checkpoint.h"
#include "pipelines/checkpoint/checkpoint_store.h"
#include "pipelines/media/image_io.h"
#include "pipelines/model/model.h"
#include "pipelines/study/report.h"
#include "pipelines/study/study.h"
#include "pipelines/study/study_test_util.h"
#include "pipelines/testing/scoped_environment.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines {
namespace {

namespace fs = std::filesystem;
using ::networks::files::FreshTestFolder;
using ::networks::files::ReadText;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

TEST(CheckStudyFolder, ReplacesNothingThatIsNotOfAStudy) {
  const auto plan = LoadStudy(WriteStudy(kTiny), FreshTestFolder(), {});
  ASSERT_THAT(plan, IsOk());
  EXPECT_THAT(CheckStudyFolder(*plan), IsOk());
  fs::create_directories(plan->output);
  EXPECT_THAT(CheckStudyFolder(*plan), IsOk());
  for (const char* name :
       {"index.html", "runs.csv", "motion.png", "cpab-seed0.textproto"}) {
    const std::string path = absl::StrCat(plan->output, "/", name);
    std::ofstream(path) << "precious";
    EXPECT_THAT(CheckStudyFolder(*plan),
                StatusIs(absl::StatusCode::kAlreadyExists,
                         AllOf(HasSubstr(path), HasSubstr("holds no study"))));
    fs::remove(path);
  }
  ASSERT_THAT(WriteStudyReport(*plan), IsOk());
  EXPECT_THAT(CheckStudyFolder(*plan), IsOk());
}

TEST(WriteStudyReport, LeavesNoPicturesOfRunsThatAreNotTheStudys) {
  const auto plan = LoadStudy(WriteStudy(kTiny), FreshTestFolder(), {});
  ASSERT_THAT(plan, IsOk());
  fs::create_directories(plan->output);
  const std::string predictions = plan->output + "/predictions.png";
  std::ofstream(predictions) << "of another budget";
  ASSERT_THAT(WriteStudyReport(*plan), IsOk());
  EXPECT_FALSE(fs::exists(predictions));
}

// A study whose program `train` is a shell script.
class RunStudyTest : public networks::files::FolderTest {
 protected:
  void SetUp() override {
    const auto plan = LoadStudy(WriteStudy(kTiny), Path("study"), {});
    ASSERT_THAT(plan, IsOk());
    plan_ = *plan;
  }

  absl::Status Run(const std::string& script) {
    Write("train", absl::StrCat("#!/bin/sh\n", script, "\n"));
    fs::permissions(Path("train"), fs::perms::owner_all);
    StudyRunnerOptions options;
    options.train = Path("train");
    options.report = [] { return absl::OkStatus(); };
    return RunStudy(plan_, options);
  }

  StudyPlan plan_;
};

TEST_F(RunStudyTest, MakesTheOtherRunsWhereOneFailsCrashesOrIsKilled) {
  for (const char* end : {"exit 1", "kill -KILL $$", "kill -SEGV $$"}) {
    fs::remove(Path("log"));
    EXPECT_THAT(Run(absl::StrCat("echo \"$2\" >>", Path("log"), "\n", end)),
                StatusIs(absl::StatusCode::kFailedPrecondition,
                         AllOf(HasSubstr("affine-seed0 (exit code 1"),
                               HasSubstr("cpab-seed0 (exit code 1"))))
        << end;
    EXPECT_THAT(Contents("log"),
                AllOf(HasSubstr("affine-seed0"), HasSubstr("cpab-seed0")))
        << end;
  }
}

TEST_F(RunStudyTest, EndsAtOnceWhereTryingAgainCanHelp) {
  EXPECT_THAT(Run(absl::StrCat("echo \"$2\" >>", Path("log"), "\nexit 129")),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr("129")));
  EXPECT_THAT(Contents("log"), Not(HasSubstr("cpab-seed0")));
}

// A checkpoint of `run` under `config`, after `step` steps.
void Leave(const StudyRun& run, const Config& config, int64_t step) {
  const auto model = AnimationModel::Create(config.model());
  ASSERT_THAT(model, IsOk());
  CheckpointState state;
  *state.mutable_config() = config;
  state.set_step(step);
  Learnt learnt;
  learnt.model = model->get();
  const std::string checkpoints = run.folder + "/checkpoints/";
  fs::create_directories(checkpoints);
  ASSERT_THAT(SaveCheckpoint(checkpoints + CheckpointName(step), learnt, state),
              IsOk());
}

TEST_F(RunStudyTest, RefusesARunThatHadALargerBudget) {
  const StudyRun& run = plan_.runs[1];
  // The plan's is 2 steps.
  Leave(run, run.config, 3);
  EXPECT_THAT(Run("exit 1"), StatusIs(absl::StatusCode::kFailedPrecondition,
                                      HasSubstr("these runs failed")));
  Config longer = run.config;
  longer.mutable_training()->set_max_steps(100);
  Leave(run, longer, 4);
  EXPECT_THAT(Run("exit 1"),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       AllOf(HasSubstr("cpab-seed0: this run has trained 4 "),
                             HasSubstr("use another --output"))));
}

// train would go on with them, or take them for finished.
TEST_F(RunStudyTest, RefusesARunOfOtherWeightsOrBatches) {
  const StudyRun& run = plan_.runs[1];
  Config other = run.config;
  other.mutable_training()->set_initial_weights("runs/base");
  Leave(run, other, 1);
  EXPECT_THAT(Run("exit 0"),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       AllOf(HasSubstr("cpab-seed0: this run was made with "
                                       "training.initial_weights 'runs/base'"),
                             HasSubstr("use another --output"))));
  other = run.config;
  other.mutable_training()->set_batch_size(1);
  other.mutable_training()->set_accumulation(2);
  Leave(run, other, 1);
  EXPECT_THAT(Run("exit 0"),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       HasSubstr("training.accumulation 2, and the study's is "
                                 "to have ")));
}

// The program itself, as a user runs it.
class AblateTest : public testing::Test {
 protected:
  const ScopedCacheFolder cache_;

  void SetUp() override {
    output_ = testing::TempDir() + "/study";
    fs::remove_all(output_);
    study_ = WriteStudy(kTiny);
  }

  ChildProcess Start(const std::vector<std::string>& flags = {}) {
    std::vector<std::string> command = {
        "pipelines/ablate", "--study",     study_, "--output", output_,
        "--threads=1",      "--device=cpu"};
    command.insert(command.end(), flags.begin(), flags.end());
    auto child = ChildProcess::Start(command, {log()});
    EXPECT_THAT(child.status(), IsOk());
    return *std::move(child);
  }

  std::string log() const { return output_ + ".log"; }

  // Both pictures have a column of sources and one of driving frames, and then
  // one of each variant: of its frames in one, of its motion in the other.
  void ExpectPicturesOfVariants(int variants) const {
    const auto predictions = media::ReadImage(output_ + "/predictions.png");
    const auto motion = media::ReadImage(output_ + "/motion.png");
    ASSERT_THAT(predictions, IsOk());
    ASSERT_THAT(motion, IsOk());
    ASSERT_EQ(predictions->size(), motion->size());
    constexpr int kTile = 128;
    const int columns = 2 + variants;
    const int step = predictions->cols / columns;
    EXPECT_GE(step, kTile);
    EXPECT_GE(predictions->rows, kTile);
    for (int column = 0; column < columns; ++column) {
      const cv::Rect tiles(column * step, 0, kTile, predictions->rows);
      const double difference =
          cv::norm((*predictions)(tiles), (*motion)(tiles), cv::NORM_INF);
      EXPECT_EQ(difference == 0, column < 2) << column;
    }
  }

  std::string output_;
  std::string study_;
};

TEST_F(AblateTest, IsInterruptedGoesOnAndComparesVariants) {
  const std::string first = output_ + "/affine-seed0/evaluation.json";
  const std::string second = output_ + "/cpab-seed0/lock";
  fs::remove(log());
  ChildProcess child = Start();
  // Until the second run is under way; the test's timeout ends a wait in vain.
  while (!fs::exists(second) && child.IsRunning()) {
    absl::SleepFor(absl::Milliseconds(20));
  }
  ASSERT_TRUE(fs::exists(second)) << ReadText(log());
  child.Signal(SIGINT);
  EXPECT_EQ(child.Wait(), 130);
  EXPECT_THAT(ReadText(log()),
              AllOf(HasSubstr("ablate: stopped by Ctrl-C; finished runs are "
                              "kept, and the one under way is saved. To go "
                              "on:\n  "),
                    Not(HasSubstr("error"))));
  ASSERT_TRUE(fs::exists(first));
  const auto time = fs::last_write_time(first);
  EXPECT_THAT(ReadText(output_ + "/table.txt"), HasSubstr("1 of 2 runs"));

  EXPECT_EQ(Start().Wait(), 0) << ReadText(log());
  EXPECT_EQ(fs::last_write_time(first), time);  // not made again
  const std::string table = ReadText(output_ + "/table.txt");
  EXPECT_THAT(table, AllOf(HasSubstr("2 of 2 runs"), HasSubstr("affine"),
                           HasSubstr("first frame")));
  const std::vector<std::string> runs =
      absl::StrSplit(ReadText(output_ + "/runs.csv"), '\n', absl::SkipEmpty());
  ASSERT_EQ(runs.size(), 3u);
  EXPECT_THAT(runs[0],
              StartsWith("variant,seed,steps,minutes,l1,l1_moving_half,psnr"));
  EXPECT_THAT(runs[1], StartsWith("affine,0,2,"));
  EXPECT_THAT(runs[2], StartsWith("cpab,0,2,"));
  EXPECT_THAT(ReadText(output_ + "/index.html"),
              AllOf(HasSubstr("predictions.png"), HasSubstr("motion.png"),
                    HasSubstr("cpab-seed0/index.html"),
                    Not(HasSubstr("http-equiv=\"refresh\""))));
  for (const char* file : {"/table.csv", "/cpab-seed0.textproto"}) {
    EXPECT_TRUE(fs::exists(output_ + file)) << file;
  }
  ExpectPicturesOfVariants(2);

  const std::vector<std::string> other = {
      "--report_only", "--set", "training.initial_weights=base.safetensors"};
  EXPECT_EQ(Start(other).Wait(), 2);
  EXPECT_THAT(ReadText(log()), HasSubstr("this run was made with"));
  EXPECT_EQ(ReadText(output_ + "/table.txt"), table);
}

}  // namespace
}  // namespace pipelines
