#include "pipelines/animation/animator.h"

#include <torch/torch.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "keypoints/one_euro_filter.h"
#include "keypoints/transfer.h"
#include "networks/testing/tensor_near.h"
#include "opencv2/core.hpp"
#include "opencv2/imgproc.hpp"
#include "pipelines/animation/precision.h"
#include "pipelines/checkpoint/checkpoint.h"
#include "pipelines/config/config.h"
#include "pipelines/config/frame_size.h"
#include "pipelines/model/model.h"
#include "pipelines/testing/testing_config.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines {
namespace {

using ::absl::StatusCode;
using ::keypoints::TransferMode;
using ::networks::test_util::TensorNear;
using ::testing::HasSubstr;

// Sums and differences of keypoints, each of 1 at most.
constexpr double kKeypointTol = 1e-6;

cv::Mat Texture(int width, int height, int seed) {
  cv::Mat small((height + 7) / 8, (width + 7) / 8, CV_8UC3), image;
  cv::RNG(seed).fill(small, cv::RNG::UNIFORM, 0, 256);
  cv::resize(small, image, {width, height}, 0, 0, cv::INTER_CUBIC);
  return image;
}

// An untrained model of frames of 32x32 with two keypoint sets.
class AnimatorTest : public testing::Test {
 protected:
  void SetUp() override {
    torch::set_num_threads(1);
    torch::manual_seed(1);
    trained_.config = *TinyConfig();
    trained_.model = *AnimationModel::Create(trained_.config.model());
    trained_.model->eval();
    // float32, the same on every processor.
    options_.precision = Precision::kFloat32;
    for (int seed = 2; seed < 6; ++seed) {
      driving_.push_back(Texture(48, 40, seed));
    }
  }

  std::unique_ptr<Animator> NewAnimator() const {
    return *Animator::Create(trained_, torch::kCPU, options_);
  }

  absl::Status CreationStatus() const {
    return Animator::Create(trained_, torch::kCPU, options_).status();
  }

  TrainedModel trained_;
  AnimatorOptions options_;
  const cv::Mat still_ = Texture(60, 50, 1);
  std::vector<cv::Mat> driving_;
};

TEST_F(AnimatorTest, MakesAPictureOfTheModelsSizeForEachFrame) {
  const auto animator = NewAnimator();
  const AnimatedFrames frames =
      animator->Animate(animator->PrepareSource(still_), driving_);
  ASSERT_EQ(frames.pictures.size(), driving_.size());
  for (const cv::Mat& picture : frames.pictures) {
    EXPECT_EQ(picture.size(), cv::Size(32, 32));
    EXPECT_EQ(picture.type(), CV_8UC3);
  }
  EXPECT_EQ(frames.motion.keypoints.size(0), 4);
  EXPECT_EQ(frames.motion.occlusion.size(0), 4);
}

TEST_F(AnimatorTest, MakesNothingOfNoFrames) {
  const auto animator = NewAnimator();
  const AnimatedFrames frames =
      animator->Animate(animator->PrepareSource(still_), {});
  EXPECT_TRUE(frames.pictures.empty());
  EXPECT_FALSE(frames.motion.keypoints.defined());
}

TEST_F(AnimatorTest, FramesAreTheSameOneByOneAndTogether) {
  for (const TransferMode mode :
       {TransferMode::kStandard, TransferMode::kRelative}) {
    options_.transfer.mode = mode;
    const auto together = NewAnimator(), singly = NewAnimator();
    const PreparedSource source = together->PrepareSource(still_);
    const AnimatedFrames all = together->Animate(source, driving_);
    for (size_t i = 0; i < driving_.size(); ++i) {
      const AnimatedFrames one = singly->Animate(source, {driving_[i]});
      EXPECT_THAT(
          one.motion.keypoints,
          TensorNear(all.motion.keypoints.slice(0, static_cast<int64_t>(i),
                                                static_cast<int64_t>(i) + 1),
                     kKeypointTol));
      // At most the rounding of a level of 256.
      EXPECT_LE(cv::norm(one.pictures[0], all.pictures[i], cv::NORM_INF), 1);
    }
  }
}

TEST_F(AnimatorTest, TakesTheDrivingKeypointsInStandardMode) {
  const auto animator = NewAnimator();
  const AnimatedFrames frames =
      animator->Animate(animator->PrepareSource(still_), driving_);
  const torch::Tensor detected = animator->DetectKeypoints(driving_);
  EXPECT_THAT(frames.motion.driving_keypoints, TensorNear(detected, 0));
  EXPECT_THAT(frames.motion.keypoints, TensorNear(detected, 0));
}

TEST_F(AnimatorTest, LeavesTheSourceAtRestInTheFirstFrameOfRelativeMode) {
  options_.transfer.mode = TransferMode::kRelative;
  const auto animator = NewAnimator();
  const PreparedSource source = animator->PrepareSource(still_);
  const AnimatedFrames frames = animator->Animate(source, driving_);
  EXPECT_THAT(frames.motion.keypoints.slice(0, 0, 1),
              TensorNear(source.keypoints, kKeypointTol));
  EXPECT_GT((frames.motion.keypoints[1] - source.keypoints[0])
                .abs()
                .max()
                .item<double>(),
            kKeypointTol);
}

TEST_F(AnimatorTest, IsRelativeToTheReferenceUntilAnotherVideoBegins) {
  options_.transfer.mode = TransferMode::kRelative;
  const auto animator = NewAnimator();
  const PreparedSource source = animator->PrepareSource(still_);
  const auto is_at_rest = [&](const cv::Mat& frame) {
    const AnimatedFrames frames = animator->Animate(source, {frame});
    return (frames.motion.keypoints - source.keypoints)
               .abs()
               .max()
               .item<double>() <= kKeypointTol;
  };
  animator->BeginDriving(animator->DetectKeypoints({driving_[2]}));
  EXPECT_FALSE(is_at_rest(driving_[0]));
  EXPECT_TRUE(is_at_rest(driving_[2]));
  animator->BeginDriving();
  EXPECT_TRUE(is_at_rest(driving_[0]));
  EXPECT_FALSE(is_at_rest(driving_[2]));
}

TEST_F(AnimatorTest, SmoothingLeavesAStillFigureStillAndSlowsAJump) {
  options_.smoothing.emplace();
  const auto animator = NewAnimator();
  const PreparedSource source = animator->PrepareSource(still_);
  const AnimatedFrames frames =
      animator->Animate(source, {driving_[0], driving_[0], driving_[1]});
  const torch::Tensor& smooth = frames.motion.keypoints;
  const torch::Tensor& detected = frames.motion.driving_keypoints;
  EXPECT_THAT(smooth[1], TensorNear(detected[0], kKeypointTol));
  EXPECT_LT((smooth[2] - detected[0]).norm().item<double>(),
            (detected[2] - detected[0]).norm().item<double>());
}

TEST_F(AnimatorTest, SeesFramesAtTheSizeAskedFor) {
  options_.model_size = FrameSize{64, 32};
  const auto animator = NewAnimator();
  EXPECT_EQ(animator->frame_size(), cv::Size(64, 32));
  const AnimatedFrames frames =
      animator->Animate(animator->PrepareSource(still_), {driving_[0]});
  EXPECT_EQ(frames.pictures[0].size(), cv::Size(64, 32));
}

TEST_F(AnimatorTest, RefusesOptionsThatDoNotFitTheModel) {
  options_.transfer.mode = TransferMode::kAvd;
  EXPECT_THAT(CreationStatus(), StatusIs(StatusCode::kFailedPrecondition,
                                         HasSubstr("AVD network")));
  options_.transfer.mode = TransferMode::kStandard;
  options_.transfer.motion_scale = {1, 1, 1};
  EXPECT_THAT(CreationStatus(), StatusIs(StatusCode::kInvalidArgument,
                                         HasSubstr("2 keypoint sets")));
  options_.transfer.motion_scale = {2.5};
  EXPECT_THAT(CreationStatus(),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("use 0 to 2")));
  options_.transfer.motion_scale = {};
  options_.model_size = FrameSize{40, 32};
  EXPECT_THAT(CreationStatus(), StatusIs(StatusCode::kInvalidArgument,
                                         HasSubstr("size of frames")));
}

TEST_F(AnimatorTest, NamesACheckpointThatIsNotThere) {
  EXPECT_THAT(Animator::Load("no_checkpoint", torch::kCPU).status(),
              StatusIs(StatusCode::kNotFound, HasSubstr("no_checkpoint")));
}

TEST_F(AnimatorTest, NeedsATimeForEachFrame) {
  const auto animator = NewAnimator();
  const PreparedSource source = animator->PrepareSource(still_);
  EXPECT_THROW(animator->Animate(source, driving_, {0.0, 0.1}), c10::Error);
}

}  // namespace
}  // namespace pipelines
