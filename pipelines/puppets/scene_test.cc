#include "pipelines/puppets/scene.h"

#include <algorithm>
#include <cmath>

#include "gtest/gtest.h"
#include "pipelines/puppets/truth.h"

namespace pipelines::puppets {
namespace {

constexpr int kSize = 64;
constexpr int kFrames = 24;

Scene MakeScene(uint64_t seed, bool camera_motion) {
  SceneOptions options;
  options.size = kSize;
  options.num_frames = kFrames;
  options.camera_motion = camera_motion;
  return Scene(options, Random({seed}));
}

// The colour of `picture` at (x, y) in [-1, 1], bilinear.
cv::Vec3f Read(const cv::Mat& picture, double x, double y) {
  const double column =
      std::clamp((x + 1) / 2 * (kSize - 1), 0.0, kSize - 1.001);
  const double row = std::clamp((y + 1) / 2 * (kSize - 1), 0.0, kSize - 1.001);
  const int c = static_cast<int>(column);
  const int r = static_cast<int>(row);
  const auto u = static_cast<float>(column - c);
  const auto v = static_cast<float>(row - r);
  const auto at = [&](int dr, int dc) -> cv::Vec3f {
    return picture.at<cv::Vec3b>(r + dr, c + dc);
  };
  return (1 - v) * ((1 - u) * at(0, 0) + u * at(0, 1)) +
         v * ((1 - u) * at(1, 0) + u * at(1, 1));
}

float MeanDifference(const cv::Vec3f& a, const cv::Vec3f& b) {
  return (std::abs(a[0] - b[0]) + std::abs(a[1] - b[1]) +
          std::abs(a[2] - b[2])) /
         3;
}

struct Case {
  uint64_t seed;
  bool camera_motion;
};

class SceneTest : public ::testing::TestWithParam<Case> {
 protected:
  const Scene scene_ = MakeScene(GetParam().seed, GetParam().camera_motion);
};

INSTANTIATE_TEST_SUITE_P(Scenes, SceneTest,
                         ::testing::Values(Case{1, false}, Case{2, true},
                                           Case{3, true}));

// What the ground truth is for: looked up by the true flow, the source shows
// what the driving frame shows.
TEST_P(SceneTest, FlowCarriesTheSourceToTheDrivingFrame) {
  const int driving = 13;
  const cv::Mat source = scene_.Render(0);
  const cv::Mat target = scene_.Render(driving);
  const cv::Mat flow = SourceFromDriving(scene_.truth(), 0, driving, kSize);
  double warped_sum = 0, still_sum = 0;
  int valid = 0;
  for (int row = 0; row < kSize; ++row) {
    for (int column = 0; column < kSize; ++column) {
      const auto& f = flow.at<cv::Vec3f>(row, column);
      if (f[2] == 0) continue;
      const cv::Vec3f shown = target.at<cv::Vec3b>(row, column);
      warped_sum += MeanDifference(Read(source, f[0], f[1]), shown);
      still_sum += MeanDifference(source.at<cv::Vec3b>(row, column), shown);
      ++valid;
    }
  }
  EXPECT_GT(valid, kSize * kSize / 2);
  // Reading between pixels blurs textures finer than two pixels, a little; a
  // wrong flow brings unlike colours together. Seen: 1.7, 2.1 and 4.5 of 255,
  // against 10, 21 and 34 where the source stays as it is.
  EXPECT_LT(warped_sum, 0.25 * still_sum);
}

TEST_P(SceneTest, FlowOfAFrameToItselfIsTheIdentityAndVisible) {
  const cv::Mat flow = SourceFromDriving(scene_.truth(), 5, 5, kSize);
  for (int row = 0; row < kSize; ++row) {
    for (int column = 0; column < kSize; ++column) {
      const auto& f = flow.at<cv::Vec3f>(row, column);
      // Float32 results of a map and its inverse in double.
      ASSERT_NEAR(f[0], 2.0 * column / (kSize - 1) - 1, 1e-6);
      ASSERT_NEAR(f[1], 2.0 * row / (kSize - 1) - 1, 1e-6);
      ASSERT_EQ(f[2], 1) << "at row " << row << ", column " << column;
    }
  }
}

TEST_P(SceneTest, JointsMoveWithTheFlow) {
  const Truth& truth = scene_.truth();
  const int size = 257;  // dense, so that a joint's nearest pixel is near
  const int driving = 9;
  const cv::Mat flow = SourceFromDriving(truth, 0, driving, size);
  int compared = 0;
  for (Joint joint : {kLeftHand, kRightHand, kLeftFoot, kRightFoot, kHeadTop}) {
    const JointState& to = truth.frames[driving].joints[joint];
    const JointState& from = truth.frames[0].joints[joint];
    if (!to.visible || !from.visible) continue;
    const auto pixel = [&](double x) {
      return static_cast<int>(std::lround((x + 1) / 2 * (size - 1)));
    };
    const auto& f =
        flow.at<cv::Vec3f>(pixel(to.position.y), pixel(to.position.x));
    // Half a pixel's diagonal, times the largest zoom between two frames.
    const double tolerance = 0.71 * 2 / (size - 1) * 1.35;
    EXPECT_NEAR(f[0], from.position.x, tolerance) << joint;
    EXPECT_NEAR(f[1], from.position.y, tolerance) << joint;
    EXPECT_EQ(f[2], 1) << joint;
    ++compared;
  }
  EXPECT_GE(compared, 2);
}

TEST(Scene, SameSeedSamePictureOtherSeedOther) {
  const cv::Mat first = MakeScene(4, true).Render(6);
  EXPECT_EQ(cv::norm(first, MakeScene(4, true).Render(6), cv::NORM_INF), 0);
  EXPECT_GT(cv::norm(first, MakeScene(5, true).Render(6), cv::NORM_INF), 0);
}

TEST(Scene, BackgroundStandsStillUnderAStillCamera) {
  const Scene scene = MakeScene(6, false);
  const cv::Mat first = scene.Render(0);
  const cv::Mat last = scene.Render(kFrames - 1);
  // The corners are out of every puppet's reach but those of raised hands.
  for (int column : {0, kSize - 1}) {
    EXPECT_EQ(first.at<cv::Vec3b>(kSize - 1, column),
              last.at<cv::Vec3b>(kSize - 1, column));
  }
}

// The data set is there for motions that are hard to follow.
TEST(Scene, ArmsSwingFar) {
  int swung = 0;
  for (uint64_t seed = 0; seed < 10; ++seed) {
    const Scene scene = MakeScene(seed, false);
    double low = 1e9, high = -1e9;
    for (const FrameTruth& frame : scene.truth().frames) {
      const double hand = frame.joints[kLeftHand].position.y -
                          frame.joints[kLeftShoulder].position.y;
      low = std::min(low, hand);
      high = std::max(high, hand);
    }
    swung += high - low > 0.4;
  }
  EXPECT_GE(swung, 7);
}

}  // namespace
}  // namespace pipelines::puppets
