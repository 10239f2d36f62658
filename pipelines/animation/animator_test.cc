#include "pipelines/animation/animator.h"

#include <torch/types.h>
#include <torch/utils.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <vector>

#include "absl/strings/match.h"
#include "cpab/torch/kernel_device.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "keypoints/one_euro_filter.h"
#include "keypoints/transfer.h"
#include "networks/testing/devices.h"
#include "networks/testing/stand_in_device.h"
#include "networks/testing/tensor_near.h"
#include "opencv2/core.hpp"
#include "pipelines/animation/precision.h"
#include "pipelines/animation/repeated_call.h"
#include "pipelines/animation/texture_test_util.h"
#include "pipelines/checkpoint/checkpoint.h"
#include "pipelines/config/config.h"
#include "pipelines/config/frame_size.h"
#include "pipelines/config/motion_choice.h"
#include "pipelines/media/transparency.h"
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

// Where kernels do CPAB's work, as on CUDA with --config=cuda: the pictures are
// copied to the host, at once for a batch. The scale of relative motion and the
// bases are found with the first one.
TEST_F(AnimatorTest, WaitsForTheDeviceOnceABatch) {
  const torch::Device device = networks::test_util::StandInDevice();
  cpab::ServeOnHostForTesting(device.type());
  trained_.model->to(device);
  options_.smoothing.emplace();
  const auto animator = *Animator::Create(trained_, device, options_);
  const PreparedSource source = animator->PrepareSource(still_);
  animator->Animate(source, driving_);
  networks::test_util::TakeWaits();
  EXPECT_EQ(animator->Animate(source, driving_).pictures.size(),
            driving_.size());
  EXPECT_THAT(networks::test_util::TakeWaits(),
              testing::ElementsAre("copy to the CPU"));
  cpab::ServeOnHostForTesting(c10::kCPU);
}

class AnimatorDeviceTest : public networks::test_util::DeviceTest {};

INSTANTIATE_ON_DEVICES(AnimatorDeviceTest);

int LargestDifference(const cv::Mat& a, const cv::Mat& b) {
  cv::Mat difference;
  cv::absdiff(a, b, difference);
  double largest = 0;
  cv::minMaxLoc(difference.reshape(1), nullptr, &largest);
  return static_cast<int>(largest);
}

// The same batch again and again, as of a video, then the end of it. Sums in
// another order round a pixel to its neighbour at most.
TEST_P(AnimatorDeviceTest, MakesTheFramesOfTheCpu) {
  std::vector<std::vector<cv::Mat>> frames;
  for (const torch::Device where : {torch::Device(torch::kCPU), device()}) {
    torch::manual_seed(1);
    TrainedModel trained;
    trained.config = *TinyConfig();
    trained.model = *AnimationModel::Create(trained.config.model());
    trained.model->eval();
    trained.model->to(where);
    AnimatorOptions options;
    options.precision = Precision::kFloat32;
    const auto animator = *Animator::Create(trained, where, options);
    const PreparedSource source = animator->PrepareSource(Texture(60, 50, 1));
    std::vector<cv::Mat>& pictures = frames.emplace_back();
    for (int i = 0; i <= RepeatedCall::kCallsBefore + 2; ++i) {
      std::vector<cv::Mat> driving = {Texture(48, 40, 2 + 2 * i)};
      if (i < RepeatedCall::kCallsBefore + 2) {
        driving.push_back(Texture(48, 40, 3 + 2 * i));
      }
      for (const cv::Mat& picture :
           animator->Animate(source, driving).pictures) {
        pictures.push_back(picture);
      }
    }
  }
  ASSERT_EQ(frames[0].size(), frames[1].size());
  for (size_t i = 0; i < frames[0].size(); ++i) {
    EXPECT_LE(LargestDifference(frames[0][i], frames[1][i]), 1) << i;
  }
}

TEST_F(AnimatorTest, WarnsOfAModelThatHasNotLearntToPaint) {
  EXPECT_EQ(NewAnimator()->unpainted_warning(), "");
  trained_.config.mutable_training()->set_motion_steps(800);
  EXPECT_EQ(NewAnimator()->unpainted_warning(), "");
  trained_.state.emplace().set_step(53);
  EXPECT_THAT(NewAnimator()->unpainted_warning(),
              testing::HasSubstr("after 53 of 800 steps"));
  trained_.state->set_step(801);
  EXPECT_EQ(NewAnimator()->unpainted_warning(), "");
}

TEST_F(AnimatorTest, RefusesFloat16OnTheCpu) {
  options_.precision = Precision::kFloat16;
  EXPECT_THAT(CreationStatus(), StatusIs(StatusCode::kInvalidArgument,
                                         HasSubstr("use float32 or")));
}

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

TEST_F(AnimatorTest, SmoothsByTheTimesOfTheFrames) {
  options_.smoothing.emplace();
  const auto animator = NewAnimator();
  const torch::Tensor detected = animator->DetectKeypoints(driving_);
  const std::vector<double> seconds = {0, 0.01, 0.5, 2};
  const torch::Tensor followed = animator->Follow(detected, seconds);
  keypoints::OneEuroFilter filter(*options_.smoothing);
  for (size_t i = 0; i < seconds.size(); ++i) {
    const auto n = static_cast<int64_t>(i);
    EXPECT_THAT(followed[n],
                TensorNear(filter.Apply(detected[n], seconds[i]), 0));
  }
}

// A network without occlusion that moves all by its first keypoint set, so that
// what comes out is known: the source, moved.
class TransparentSourceTest : public AnimatorTest {
 protected:
  void SetUp() override {
    AnimatorTest::SetUp();
    const torch::NoGradGuard no_grad;
    for (auto& item : trained_.model->named_parameters()) {
      const bool is_bias = absl::EndsWith(item.key(), "bias");
      if (absl::StartsWith(item.key(), "dense_motion_network.occlusion")) {
        item.value().fill_(is_bias ? 50 : 0);
      }
      if (absl::StartsWith(item.key(), "dense_motion_network.maps")) {
        item.value().zero_();
        if (is_bias) item.value()[1] = 100;
      }
    }
    options_.motion = *ParseMotion("affine");
    cv::RNG(3).fill(over_white_, cv::RNG::UNIFORM, 0, 200);
    // A ramp, and borders of 8 pixels that cannot be seen.
    for (int x = 0; x < 32; ++x) alpha_.col(x) = cv::Scalar::all(8 * x);
    alpha_.rowRange(0, 8) = alpha_.rowRange(24, 32) = cv::Scalar::all(0);
    alpha_.colRange(0, 8) = alpha_.colRange(24, 32) = cv::Scalar::all(0);
    cv::Mat with_alpha;
    cv::merge(std::vector<cv::Mat>{over_white_, alpha_}, with_alpha);
    over_white_ = media::OnWhite(with_alpha);
  }

  // The frame of the source moved to the right by so many pixels.
  AnimatedFrames MovedBy(int pixels) const {
    const auto animator = NewAnimator();
    const TransparentSource source =
        animator->PrepareTransparentSource(over_white_, alpha_);
    torch::Tensor keypoints = source.over_white.keypoints.clone();
    keypoints.select(2, 0) += pixels * 2.0 / 31;
    return animator->MoveTo(source, animator->Follow(keypoints));
  }

  cv::Mat over_white_ = cv::Mat(32, 32, CV_8UC3);
  cv::Mat alpha_ = cv::Mat(32, 32, CV_8UC1);
};

TEST_F(TransparentSourceTest, IsItselfWhereNothingMoves) {
  const AnimatedFrames frames = MovedBy(0);
  ASSERT_EQ(frames.alphas.size(), 1u);
  EXPECT_EQ(cv::norm(frames.alphas[0], alpha_, cv::NORM_INF), 0);
  EXPECT_EQ(cv::norm(frames.pictures[0], over_white_, cv::NORM_INF), 0);
}

// What comes in from outside is transparent.
TEST_F(TransparentSourceTest, MovesItsAlphaWithItsColours) {
  for (const int shift : {4, -12}) {
    const AnimatedFrames frames = MovedBy(shift);
    cv::Mat alpha = cv::Mat::zeros(32, 32, CV_8UC1);
    cv::Mat picture(32, 32, CV_8UC3, cv::Scalar::all(255));
    const cv::Rect from(std::max(0, -shift), 0, 32 - std::abs(shift), 32);
    const cv::Rect to(std::max(0, shift), 0, from.width, 32);
    alpha_(from).copyTo(alpha(to));
    over_white_(from).copyTo(picture(to));
    // A level of 255 where a sum of float32 falls on the other side of a half.
    EXPECT_LE(cv::norm(frames.alphas[0], alpha, cv::NORM_INF), 1);
    EXPECT_LE(cv::norm(frames.pictures[0], picture, cv::NORM_INF), 1);
  }
}

// By the network as it is, which paints much of the frame.
TEST_F(AnimatorTest, PaintsAnOpaqueSourceAlikeWithAlphaAndWithout) {
  const auto animator = NewAnimator();
  const cv::Mat still = Texture(32, 32, 1);
  const cv::Mat whole(32, 32, CV_8UC1, cv::Scalar::all(255));
  const PreparedSource opaque = animator->PrepareSource(still);
  const AnimatedFrames frames =
      animator->MoveTo(animator->PrepareTransparentSource(still, whole),
                       animator->Follow(opaque.keypoints));
  EXPECT_EQ(cv::norm(frames.alphas[0], whole, cv::NORM_INF), 0);
  const AnimatedFrames without =
      animator->AnimateKeypoints(opaque, opaque.keypoints);
  EXPECT_TRUE(without.alphas.empty());
  EXPECT_EQ(cv::norm(frames.pictures[0], without.pictures[0], cv::NORM_INF), 0);
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
