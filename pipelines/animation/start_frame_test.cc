#include "pipelines/animation/start_frame.h"

#include <torch/types.h>

#include <cmath>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines {
namespace {

using ::absl::StatusCode;
using ::testing::HasSubstr;
using By = StartFrame::By;

// An irregular pentagon, so that no turn but a whole one fits it to itself.
torch::Tensor Shape() {
  return torch::tensor(
             {{-0.3, -0.4}, {0.2, -0.3}, {0.4, 0.1}, {0., 0.4}, {-0.2, 0.1}})
      .unsqueeze(0);  // [1, 5, 2]
}

// `points` turned by `angle`, made larger and moved.
torch::Tensor Placed(const torch::Tensor& points, double angle, double scale,
                     double right) {
  const double c = scale * std::cos(angle), s = scale * std::sin(angle);
  const torch::Tensor turn = torch::tensor({{c, s}, {-s, c}}, points.options());
  return torch::matmul(points, turn) +
         torch::tensor({right, 0.}, points.options());
}

torch::Tensor Bent(const torch::Tensor& points, double by) {
  torch::Tensor bent = points.clone();
  bent[0][2][0] += by;
  return bent;
}

int64_t Choose(By by, const std::vector<torch::Tensor>& frames) {
  const auto chosen = ChooseStartFrame({by, 0}, Shape(), torch::cat(frames));
  EXPECT_THAT(chosen, IsOk());
  return chosen.value_or(-1);
}

TEST(ParseStartFrame, KnowsEachWay) {
  EXPECT_TRUE(ParseStartFrame("first")->is_first());
  EXPECT_TRUE(ParseStartFrame("0")->is_first());
  EXPECT_EQ(ParseStartFrame("12")->number, 12);
  EXPECT_FALSE(ParseStartFrame("12")->is_first());
  EXPECT_EQ(ParseStartFrame("keypoints")->by, By::kKeypoints);
  EXPECT_FALSE(ParseStartFrame("keypoints")->is_first());
  EXPECT_EQ(ParseStartFrame("alignment")->by, By::kAlignment);
}

TEST(ParseStartFrame, NamesWhatIsWrong) {
  for (const char* text :
       {"", "best", "-1", "1.5", "3x", "99999999999999999999"}) {
    EXPECT_THAT(ParseStartFrame(text),
                StatusIs(StatusCode::kInvalidArgument,
                         HasSubstr("use first, keypoints, alignment or a")))
        << text;
  }
}

// Law: place and size of a figure do not count, its shape does.
TEST(ChooseStartFrame, ByKeypointsFindsTheSameShapeElsewhere) {
  EXPECT_EQ(
      Choose(By::kKeypoints, {Bent(Shape(), 0.3), Placed(Shape(), 0, 0.5, 0.4),
                              Bent(Shape(), 0.1)}),
      1);
}

// A turn counts for `keypoints`, but not for `alignment`.
TEST(ChooseStartFrame, ByAlignmentForgivesATurn) {
  const std::vector<torch::Tensor> frames = {
      Bent(Shape(), 0.15), Placed(Shape(), M_PI / 2, 0.7, -0.2)};
  EXPECT_EQ(Choose(By::kKeypoints, frames), 0);
  EXPECT_EQ(Choose(By::kAlignment, frames), 1);
}

TEST(ChooseStartFrame, TakesTheFirstOfEqualFrames) {
  for (const By by : {By::kKeypoints, By::kAlignment}) {
    EXPECT_EQ(Choose(by, {Bent(Shape(), 0.2), Shape(), Shape()}), 1);
  }
}

TEST(ChooseStartFrame, TakesTheFrameOfThatNumberIfThereIsOne) {
  const torch::Tensor two = torch::cat({Shape(), Shape()});
  EXPECT_EQ(*ChooseStartFrame({By::kNumber, 1}, Shape(), two), 1);
  EXPECT_THAT(ChooseStartFrame({By::kNumber, 2}, Shape(), two),
              StatusIs(StatusCode::kOutOfRange,
                       HasSubstr("the start is frame 2; there are 2 frames")));
}

}  // namespace
}  // namespace pipelines
