#include "pipelines/training/training_log.h"

#include <filesystem>
#include <map>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/files/testing_folder.h"
#include "pipelines/report/event.pb.h"
#include "pipelines/report/tfrecord.h"
#include "pipelines/testing/testing_config.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines {
namespace {

namespace fs = std::filesystem;
using ::networks::files::FreshTestFolder;
using ::networks::files::ReadText;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

class TrainingLogTest : public testing::Test {
 protected:
  TrainingLogTest() : folder_(*RunFolder::Open(FreshTestFolder())) {}

  static StepReport Layout() {
    StepReport layout;
    layout.Add(kTotalLoss, StepValueKind::kLoss);
    layout.Add("warp", StepValueKind::kLoss);
    layout.Add("background", StepValueKind::kLoss);
    layout.Add("learning_rate", StepValueKind::kOptimizer);
    layout.Add("fit_residual", StepValueKind::kDiagnostic);
    return layout;
  }

  // Set in another order than the layout's; "background" has not started.
  static StepReport Report(double scale) {
    StepReport report = Layout();
    report.Set("fit_residual", 4 * scale);
    report.Set("warp", 2 * scale);
    report.Set("learning_rate", 3 * scale);
    report.Set(kTotalLoss, scale);
    return report;
  }

  // Of all event files, by tag; the last value of each.
  std::map<std::string, float> Scalars() const {
    std::map<std::string, float> scalars;
    for (const auto& entry : fs::directory_iterator(folder_.events())) {
      for (const std::string& record : ParseTfRecords(ReadText(entry.path()))) {
        tensorboard::Event event;
        EXPECT_TRUE(event.ParseFromString(record));
        for (const auto& value : event.summary().value()) {
          if (value.has_simple_value()) {
            scalars[value.tag()] = value.simple_value();
          }
        }
      }
    }
    return scalars;
  }

  RunFolder folder_;
};

TEST_F(TrainingLogTest, WritesEachValueUnderItsName) {
  auto log = TrainingLog::Open(folder_, *TinyConfig(), Layout(), 0);
  ASSERT_THAT(log, IsOk());
  ASSERT_THAT(log->Add(1, Report(10), {0.5, 0.25}), IsOk());
  EXPECT_EQ(ReadText(folder_.losses()),
            "step,total,warp,background,learning_rate,fit_residual\n"
            "1,10,20,nan,30,40\n");
  EXPECT_EQ(ReadText(folder_.timing()),
            "step,seconds,data_share\n1,0.5,0.25\n");
  EXPECT_THAT(
      Scalars(),
      UnorderedElementsAre(
          Pair("loss/total", 10), Pair("loss/warp", 20),
          Pair("training/learning_rate", 30), Pair("training/fit_residual", 40),
          Pair("time/seconds_per_step", 0.5), Pair("time/data_share", 0.25)));
}

TEST_F(TrainingLogTest, TakesOutWhatWasAfterTheStepThatItGoesOnFrom) {
  for (const int64_t step : {0, 1}) {
    auto log = TrainingLog::Open(folder_, *TinyConfig(), Layout(), step);
    ASSERT_THAT(log, IsOk());
    for (int64_t next = step + 1; next <= 3; ++next) {
      ASSERT_THAT(log->Add(next, Report(10 * step + next), {}), IsOk());
    }
  }
  EXPECT_EQ(ReadText(folder_.losses()),
            "step,total,warp,background,learning_rate,fit_residual\n"
            "1,1,2,nan,3,4\n2,12,24,nan,36,48\n3,13,26,nan,39,52\n");
}

// Also a second time, and at step 0, where the table may be no run's.
TEST_F(TrainingLogTest, KeepsATableWithOtherColumns) {
  for (const char* column : {"one", "two"}) {
    auto log = LossLog::Open(folder_.losses(), {column});
    ASSERT_THAT(log, IsOk());
    ASSERT_THAT(log->Add(1, {0.5}), IsOk());
    ASSERT_THAT(TrainingLog::Open(folder_, *TinyConfig(), Layout(), 0), IsOk());
  }
  EXPECT_EQ(ReadText(folder_.path() + "/losses-before-0.csv"),
            "step,one\n1,0.5\n");
  EXPECT_EQ(ReadText(folder_.path() + "/losses-before-0-2.csv"),
            "step,two\n1,0.5\n");
}

}  // namespace
}  // namespace pipelines
