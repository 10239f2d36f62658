#include "pipelines/study/results.h"

#include <cmath>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace pipelines {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(Summarize, GivesMeanAndSampleDeviation) {
  const MeanAndSpread three = Summarize({1, 2, 6});
  EXPECT_EQ(three.count, 3);
  EXPECT_DOUBLE_EQ(three.mean, 3);
  EXPECT_DOUBLE_EQ(three.spread, std::sqrt(7.0));
  EXPECT_EQ(Summarize({4}).spread, 0);
}

TEST(FormatMean, ShowsTheDigitsThatTheSpreadLeaves) {
  EXPECT_EQ(FormatMean({2, 0.023714, 0.00042}), "0.02371 +- 0.00042");
  EXPECT_EQ(FormatMean({2, 846.4, 17.2}), "846 +- 17");
  EXPECT_EQ(FormatMean({1, 23.456, 0}), "23.46");
  EXPECT_EQ(FormatMean({0, 0, 0}), "");
}

StudyTable TwoVariants(double affine_l1, double cpab_l1) {
  StudyTable table;
  table.metrics = {"l1", "psnr"};
  table.variants.resize(2);
  table.variants[0].variant = "affine";
  table.variants[0].metrics = {{"l1", {1, affine_l1, 0}}, {"psnr", {1, 20, 0}}};
  table.variants[1].variant = "cpab";
  table.variants[1].metrics = {{"l1", {1, cpab_l1, 0}}, {"psnr", {1, 30, 0}}};
  table.baseline = {{"l1", 0.5}, {"psnr", 25}};
  return table;
}

TEST(BestVariant, IsNoneThatIsWorseThanTheFirstFrame) {
  EXPECT_EQ(BestVariant(TwoVariants(0.4, 0.3), "l1"), "cpab");
  EXPECT_EQ(BestVariant(TwoVariants(0.7, 0.6), "l1"), "");
  EXPECT_EQ(BestVariant(TwoVariants(0.7, 0.5), "l1"), "");
  EXPECT_EQ(BestVariant(TwoVariants(0.4, 0.3), "psnr"), "cpab");
}

TEST(TableNotes, NameUnitsAndWhatIsWorseThanTheFirstFrame) {
  EXPECT_THAT(TableNotes(TwoVariants(0.4, 0.6)),
              ElementsAre(HasSubstr("PSNR in dB"),
                          "affine is no better than the first frame, unmoved: "
                          "psnr",
                          "cpab is no better than the first frame, unmoved: "
                          "l1"));
  EXPECT_THAT(TableText(TwoVariants(0.4, 0.6)),
              HasSubstr("cpab is no better than the first frame"));
}

}  // namespace
}  // namespace pipelines
