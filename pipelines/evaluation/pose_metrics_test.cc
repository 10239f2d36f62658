#include "pipelines/evaluation/pose_metrics.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "pipelines/evaluation/detections.h"
#include "pipelines/evaluation/pose_files_test_util.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines {
namespace {

using ::absl::StatusCode;
using ::testing::AllOf;
using ::testing::HasSubstr;

// By hand, as the scripts compute: frame 0 has both keypoints on both sides,
// mean of |1|, |2|, |3|, |2| = 2; frame 1 lacks one in the generated: |4|, |0|;
// frame 2 lacks all of them there, frame 3 all in the real one.
TEST_F(PoseMetricsTest, KeypointsAreComparedAsTheFieldsScriptsDo) {
  const auto real = Table(absl::StrCat(kHeader,
                                       "a.mp4,0,10,10,20,20\n"
                                       "a.mp4,1,10,10,20,20\n"
                                       "a.mp4,2,10,10,-1,-1\n"
                                       "a.mp4,3,-1,-1,-1,-1\n"),
                          kKeypoints);
  const auto generated = Table(absl::StrCat(kHeader,
                                            "a.png,0,11,8,17,22\n"
                                            "a.png,1,14,10,-1,-1\n"
                                            "a.png,2,-1,-1,5,5\n"
                                            "a.png,3,1,1,1,1\n"),
                               kKeypoints);
  ASSERT_THAT(real, IsOk());
  ASSERT_THAT(generated, IsOk());
  const auto score = CompareKeypoints(*real, *generated);
  ASSERT_THAT(score, IsOk());
  EXPECT_DOUBLE_EQ(score->akd, (2.0 + 2.0) / 2);
  EXPECT_EQ(score->akd_frames, 2);
  EXPECT_DOUBLE_EQ(score->mkr, (0.0 + 0.5 + 1.0) / 3);
  EXPECT_EQ(score->mkr_frames, 3);
}

TEST_F(PoseMetricsTest, EmbeddingsAreComparedBySquaredDistance) {
  const std::string header = "file_name,frame_number,e0,e1,e2\n";
  const auto real = Table(header + "a,0,1,2,3\na,1,0,0,0\n", kEmbeddings);
  const auto generated = Table(header + "a,0,1,5,-1\na,1,0,1,0\n", kEmbeddings);
  ASSERT_THAT(real, IsOk());
  ASSERT_THAT(generated, IsOk());
  const auto score = CompareEmbeddings(*real, *generated);
  ASSERT_THAT(score, IsOk());
  EXPECT_DOUBLE_EQ(score->aed, (25.0 + 1.0) / 2);
  EXPECT_DOUBLE_EQ(score->distance, (5.0 + 1.0) / 2);
  EXPECT_EQ(score->frames, 2);
}

TEST_F(PoseMetricsTest, EqualSidesScoreNothing) {
  const auto side =
      Table(absl::StrCat(kHeader, "a,0,1,2,3,4\nb,0,5,6,-1,-1\n"), kKeypoints);
  ASSERT_THAT(side, IsOk());
  const auto score = CompareKeypoints(*side, *side);
  ASSERT_THAT(score, IsOk());
  EXPECT_EQ(score->akd, 0);
  EXPECT_EQ(score->mkr, 0);
}

std::vector<Detection> Frames(const std::string& clip,
                              const std::vector<int64_t>& frames,
                              const std::vector<double>& values) {
  std::vector<Detection> detections;
  for (const int64_t frame : frames) {
    detections.push_back(
        {clip, frame, values, absl::StrCat(clip, ".csv:", frame + 2)});
  }
  return detections;
}

TEST(CompareKeypoints, NamesTheFirstFrameThatDoesNotPairUp) {
  const auto whole = Frames("a", {0, 1, 2}, {1, 2});
  EXPECT_THAT(CompareKeypoints(whole, Frames("a", {0, 2}, {1, 2})),
              StatusIs(StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("a.csv:3"),
                             HasSubstr("generated side has no frame 1"))));
  EXPECT_THAT(CompareKeypoints(Frames("a", {0, 1}, {1, 2}), whole),
              StatusIs(StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("a.csv:4"),
                             HasSubstr("real side has no frame 2"))));
  EXPECT_THAT(CompareKeypoints(whole, Frames("b", {0, 1, 2}, {1, 2})),
              StatusIs(StatusCode::kInvalidArgument,
                       HasSubstr("no frame 0 of clip 'a'")));
}

TEST(CompareKeypoints, RefusesOtherShapesAndNothingToCompare) {
  EXPECT_THAT(CompareKeypoints(Frames("a", {0}, {1, 2}),
                               Frames("a", {0}, {1, 2, 3, 4})),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("4 values")));
  EXPECT_THAT(
      CompareKeypoints(Frames("a", {0}, {-1, -1}), Frames("a", {0}, {1, 2})),
      StatusIs(StatusCode::kInvalidArgument, HasSubstr("found on both sides")));
}

}  // namespace
}  // namespace pipelines
