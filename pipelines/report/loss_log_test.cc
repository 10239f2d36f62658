#include "pipelines/report/loss_log.h"

#include <sys/stat.h>

#include <cmath>
#include <cstdio>
#include <fstream>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/files/testing_folder.h"
#include "pipelines/testing/testing_child.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class LossLogTest : public ::testing::Test {
 protected:
  std::string Content() const { return networks::files::ReadText(path_); }

  const std::string path_ =
      ::testing::TempDir() + "/" +
      ::testing::UnitTest::GetInstance()->current_test_info()->name() + ".csv";
};

TEST_F(LossLogTest, WritesEachLineAtOnce) {
  absl::StatusOr<LossLog> log = LossLog::Open(path_, {"perceptual", "warp"});
  ASSERT_THAT(log, IsOk());
  EXPECT_THAT(log->Add(1, {0.5, 2}), IsOk());
  EXPECT_EQ(Content(), "step,perceptual,warp\n1,0.5,2\n");
  EXPECT_THAT(log->Add(2, {0.25, 1e-12}), IsOk());
  EXPECT_EQ(Content(), "step,perceptual,warp\n1,0.5,2\n2,0.25,1e-12\n");
}

TEST_F(LossLogTest, TellsNeighbouringFloatsApart) {
  absl::StatusOr<LossLog> log = LossLog::Open(path_, {"loss"});
  ASSERT_THAT(log, IsOk());
  const float loss = 0.8312346f;
  ASSERT_THAT(log->Add(1, {loss}), IsOk());
  ASSERT_THAT(log->Add(2, {std::nextafter(loss, 1.0f)}), IsOk());
  const auto series = ReadLossLog(path_);
  ASSERT_THAT(series, IsOk());
  EXPECT_EQ(static_cast<float>((*series)[0].y[0]), loss);
  EXPECT_EQ(static_cast<float>((*series)[0].y[1]), std::nextafter(loss, 1.0f));
}

// What cannot be read is not taken for an empty table, which would replace it.
TEST_F(LossLogTest, LeavesATableThatCannotBeRead) {
  {
    absl::StatusOr<LossLog> log = LossLog::Open(path_, {"loss"});
    ASSERT_THAT(log, IsOk());
    ASSERT_THAT(log->Add(1, {0.5}), IsOk());
  }
  chmod(path_.c_str(), 0);
  ExpectInChild([&] {
    DropCapabilities();
    const absl::Status status = LossLog::Open(path_, {"loss"}, 1).status();
    std::fprintf(stderr, "%s\n", status.ToString().c_str());
    return absl::IsPermissionDenied(status) &&
           status.ToString().find(path_) != std::string::npos;
  });
  chmod(path_.c_str(), 0644);
  EXPECT_EQ(Content(), "step,loss\n1,0.5\n");
}

TEST_F(LossLogTest, GoesOnAfterTheResumeStep) {
  {
    absl::StatusOr<LossLog> log = LossLog::Open(path_, {"loss"});
    ASSERT_THAT(log, IsOk());
    for (int step = 1; step <= 5; ++step) {
      ASSERT_THAT(log->Add(step, {1.0 * step}), IsOk());
    }
  }
  std::ofstream(path_, std::ios::app) << "6,0.1";  // killed in the middle
  absl::StatusOr<LossLog> log = LossLog::Open(path_, {"loss"}, 3);
  ASSERT_THAT(log, IsOk());
  ASSERT_THAT(log->Add(4, {40}), IsOk());
  EXPECT_EQ(Content(), "step,loss\n1,1\n2,2\n3,3\n4,40\n");
}

TEST_F(LossLogTest, StartsAnewWithoutAResumeStep) {
  std::ofstream(path_) << "step,loss\n1,1\n";
  ASSERT_THAT(LossLog::Open(path_, {"loss"}), IsOk());
  EXPECT_EQ(Content(), "step,loss\n");
}

TEST_F(LossLogTest, ResumesWhereNoLogWasWritten) {
  ASSERT_THAT(LossLog::Open(path_, {"loss"}, 10), IsOk());
  EXPECT_EQ(Content(), "step,loss\n");
}

TEST_F(LossLogTest, DoesNotGoOnWithOtherColumns) {
  std::ofstream(path_) << "step,other\n1,1\n";
  EXPECT_THAT(LossLog::Open(path_, {"loss"}, 1),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       AllOf(HasSubstr(path_), HasSubstr("step,other"))));
  EXPECT_EQ(Content(), "step,other\n1,1\n");
}

TEST_F(LossLogTest, ReadsAFormerNameOfAColumnAsItsPresentOne) {
  std::ofstream(path_) << "step,loss,parts_in_use\n1,0.5,3\n2,0.25,4\n";
  const auto series = ReadLossLog(path_);
  ASSERT_THAT(series, IsOk());
  ASSERT_EQ(series->size(), 2u);
  EXPECT_EQ((*series)[1].name, "transforms_in_use");
  EXPECT_THAT((*series)[1].y, ElementsAre(3, 4));
  absl::StatusOr<LossLog> log =
      LossLog::Open(path_, {"loss", "transforms_in_use"}, 1);
  ASSERT_THAT(log, IsOk());
  ASSERT_THAT(log->Add(2, {0.125, 5}), IsOk());
  EXPECT_EQ(Content(), "step,loss,transforms_in_use\n1,0.5,3\n2,0.125,5\n");
}

// Or a run that goes on would begin a new table.
TEST_F(LossLogTest, GoesOnWithATableThatWindowsHasSaved) {
  std::ofstream(path_) << "\xEF\xBB\xBFstep,a,b\r\n1,0.5,3\r\n2,0.25,4\r\n";
  const auto series = ReadLossLog(path_);
  ASSERT_THAT(series, IsOk());
  EXPECT_EQ((*series)[1].name, "b");
  EXPECT_THAT((*series)[1].y, ElementsAre(3, 4));
  absl::StatusOr<LossLog> log = LossLog::Open(path_, {"a", "b"}, 1);
  ASSERT_THAT(log, IsOk());
  ASSERT_THAT(log->Add(2, {0.125, 5}), IsOk());
  EXPECT_EQ(Content(), "step,a,b\n1,0.5,3\n2,0.125,5\n");
}

TEST_F(LossLogTest, RefusesAnotherNumberOfValues) {
  absl::StatusOr<LossLog> log = LossLog::Open(path_, {"a", "b"});
  ASSERT_THAT(log, IsOk());
  EXPECT_THAT(log->Add(1, {1}), StatusIs(absl::StatusCode::kInvalidArgument,
                                         HasSubstr("2 values, not 1")));
}

TEST_F(LossLogTest, NamesTheFileThatItCannotWrite) {
  EXPECT_THAT(LossLog::Open("/no/such/folder/losses.csv", {"a"}).status(),
              StatusIs(absl::StatusCode::kNotFound,
                       HasSubstr("/no/such/folder/losses.csv")));
}

TEST_F(LossLogTest, ReadsOneSeriesAColumn) {
  std::ofstream(path_) << "step,a,b\n10,1,2\n20,nan,4\n30,9";
  const auto series = ReadLossLog(path_);
  ASSERT_THAT(series, IsOk());
  ASSERT_EQ(series->size(), 2u);
  EXPECT_EQ((*series)[1].name, "b");
  EXPECT_THAT((*series)[1].x, ElementsAre(10, 20));
  EXPECT_THAT((*series)[1].y, ElementsAre(2, 4));
  EXPECT_TRUE(std::isnan((*series)[0].y[1]));
}

TEST_F(LossLogTest, NamesTheLineOfAMistake) {
  std::ofstream(path_) << "step,a\n1,2\nx,3\n";
  EXPECT_THAT(ReadLossLog(path_),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(":3:")));
  EXPECT_THAT(ReadLossLog("/no/such.csv"),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("such.csv")));
}

}  // namespace
}  // namespace pipelines
