#include "pipelines/evaluation/checkpoint_comparison.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "pipelines/evaluation/reconstruction.pb.h"

namespace pipelines {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

NamedEvaluation Named(const std::string& name, double l1, int size) {
  NamedEvaluation named;
  named.name = name;
  named.evaluation.result.model.l1 = l1;
  named.evaluation.result.first_frame.l1 = 0.5;
  EvaluationSetting& setting = named.evaluation.setting;
  setting.set_checkpoint("/runs/" + name);
  setting.set_training_steps(7);
  setting.set_motion("cpab");
  setting.set_width(size);
  setting.set_height(size);
  setting.set_frame_step(1);
  return named;
}

TEST(Comparison, HasALineForEachCheckpointAndOneFirstFrame) {
  const ScoreTable table =
      ComparisonTable({Named("a", 0.25, 64), Named("b", 0.125, 64)});
  EXPECT_THAT(table.columns,
              ElementsAre("steps", "motion", "size", "L1", "PSNR", "SSIM"));
  ASSERT_EQ(table.rows.size(), 2u);
  EXPECT_EQ(table.rows[1].name, "b");
  EXPECT_EQ(table.rows[1].cells[0], "7");
  EXPECT_EQ(table.rows[1].cells[3], "0.1250");
  ASSERT_EQ(table.summary.size(), 1u);
  EXPECT_EQ(table.summary[0].cells[2], "64x64");
  EXPECT_EQ(table.summary[0].cells[3], "0.5000");
}

TEST(Comparison, ShowsTheFirstFrameOfEachSize) {
  const ScoreTable table =
      ComparisonTable({Named("a", 0.25, 64), Named("b", 0.125, 128)});
  ASSERT_EQ(table.summary.size(), 2u);
  EXPECT_EQ(table.summary[1].cells[2], "128x128");
}

// Scores that one checkpoint lacks, as of motion, leave empty cells.
TEST(Comparison, LeavesCellsEmptyWhereThereIsNoScore) {
  std::vector<NamedEvaluation> both = {Named("a", 0.25, 64),
                                       Named("b", 0.125, 64)};
  both[1].evaluation.result.model.lpips = 0.75;
  both[1].evaluation.result.first_frame.lpips = 1;
  const ScoreTable table = ComparisonTable(both);
  ASSERT_EQ(table.columns.back(), "LPIPS");
  EXPECT_EQ(table.rows[0].cells.back(), "");
  EXPECT_EQ(table.rows[1].cells.back(), "0.7500");
}

// What is wrong, by the fields of the config; flags are the program's.
TEST(Comparison, WarnsOfScoresThatCannotBeCompared) {
  const auto warns = [](EvaluationDifference difference, const char* words) {
    return ElementsAre(
        AllOf(Field(&ComparisonWarning::difference, difference),
              Field(&ComparisonWarning::sentence,
                    AllOf(HasSubstr(words), Not(HasSubstr("--"))))));
  };
  EXPECT_THAT(ComparisonWarnings({Named("a", 0, 64), Named("b", 0, 64)}),
              IsEmpty());
  EXPECT_THAT(ComparisonWarnings({Named("a", 0, 64), Named("b", 0, 128)}),
              warns(EvaluationDifference::kSizes,
                    "(128x128, 64x64), of which scores cannot be compared"));
  NamedEvaluation other = Named("b", 0, 64);
  other.evaluation.setting.set_clip_sizes_sha256("other");
  EXPECT_THAT(ComparisonWarnings({Named("a", 0, 64), other}),
              warns(EvaluationDifference::kClips, "different test clips"));
  other = Named("b", 0, 64);
  other.evaluation.setting.set_frame_step(4);
  EXPECT_THAT(ComparisonWarnings({Named("a", 0, 64), other}),
              warns(EvaluationDifference::kFrames, "evaluation.frame_step"));
  NamedEvaluation first = Named("a", 0, 64);
  first.evaluation.setting.set_lpips("alex");
  EXPECT_THAT(ComparisonWarnings({first, Named("b", 0, 64)}), IsEmpty());
  other = Named("b", 0, 64);
  other.evaluation.setting.set_lpips("vgg");
  EXPECT_THAT(
      ComparisonWarnings({first, other}),
      warns(EvaluationDifference::kLpips, "evaluation.lpips.network differs"));
  EXPECT_EQ(ComparisonTable({first, other}).summary.size(), 2u);
}

// Twelve clips are all of them, and a hundred at most are, too.
TEST(Comparison, TakesTheSameFramesForTheSame) {
  NamedEvaluation all = Named("a", 0, 64);
  all.evaluation.result.clips.resize(12);
  NamedEvaluation first_hundred = all;
  first_hundred.evaluation.setting.set_max_clips(100);
  EXPECT_THAT(ComparisonWarnings({all, first_hundred}), IsEmpty());
  EXPECT_EQ(ComparisonTable({all, first_hundred}).summary.size(), 1u);
  NamedEvaluation some = Named("b", 0, 64);
  some.evaluation.result.clips.resize(3);
  some.evaluation.setting.set_max_clips(3);
  EXPECT_EQ(ComparisonWarnings({all, some}).size(), 1u);
}

TEST(Comparison, NamesInJsonWhatRepeatsIt) {
  const std::string json =
      ComparisonJson({Named("a", 0.25, 64), Named("b", 0.125, 64)});
  EXPECT_THAT(json, AllOf(HasSubstr("\"evaluations\": ["),
                          HasSubstr("\"checkpoint\": \"/runs/b\""),
                          HasSubstr("\"training_steps\": 7"),
                          HasSubstr("\"frame_step\": 1")));
}

}  // namespace
}  // namespace pipelines
