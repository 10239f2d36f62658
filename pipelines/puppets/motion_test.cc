#include "pipelines/puppets/motion.h"

#include <cmath>
#include <vector>

#include "gtest/gtest.h"

namespace pipelines::puppets {
namespace {

constexpr double kPi = 3.14159265358979323846;
constexpr int kFrames = 60;

std::vector<double> Angles(const Pose& pose) {
  return {pose.lean,
          pose.nod,
          pose.left_arm.raise,
          pose.left_arm.bend,
          pose.right_arm.raise,
          pose.right_arm.bend,
          pose.left_leg.raise,
          pose.left_leg.bend,
          pose.right_leg.raise,
          pose.right_leg.bend};
}

TEST(RandomMotion, HasAPoseAFrameAndDependsOnItsRandomNumbers) {
  Random random({1}), again({1}), other({2});
  const std::vector<Pose> motion = RandomMotion(kFrames, random);
  ASSERT_EQ(motion.size(), kFrames);
  const std::vector<Pose> same = RandomMotion(kFrames, again);
  const std::vector<Pose> different = RandomMotion(kFrames, other);
  bool differs = false;
  for (size_t i = 0; i < motion.size(); ++i) {
    EXPECT_EQ(Angles(motion[i]), Angles(same[i]));
    differs = differs || Angles(motion[i]) != Angles(different[i]);
  }
  EXPECT_TRUE(differs);
}

// A key pose takes 6 frames or more, joints turn by less than 4 radians, and
// the fastest frame of such a way is 1.5 times its mean.
TEST(RandomMotion, IsSmoothAndStaysWithinWhatJointsCanDo) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    Random random({seed});
    const std::vector<Pose> motion = RandomMotion(kFrames, random);
    for (size_t i = 0; i < motion.size(); ++i) {
      for (const double angle : Angles(motion[i])) {
        EXPECT_LE(std::abs(angle), kPi) << seed;
      }
      EXPECT_GE(motion[i].jump, 0) << seed;
      if (i == 0) continue;
      const std::vector<double> before = Angles(motion[i - 1]);
      const std::vector<double> after = Angles(motion[i]);
      for (size_t j = 0; j < after.size(); ++j) {
        EXPECT_LE(std::abs(after[j] - before[j]), 1.5 * 4 / 6) << seed;
      }
    }
  }
}

TEST(RandomCameraPath, StaysWithinItsBounds) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    Random random({seed});
    const std::vector<Affine2> path = RandomCameraPath(kFrames, random);
    ASSERT_EQ(path.size(), kFrames);
    for (const Affine2& frame_from_world : path) {
      const Point2 origin = frame_from_world(Point2{0, 0});
      const Point2 right = frame_from_world(Point2{1, 0}) - origin;
      // 0.15 along either axis.
      EXPECT_LE(std::hypot(origin.x, origin.y), 0.15 * std::sqrt(2) + 1e-9);
      const double zoom = std::hypot(right.x, right.y);
      EXPECT_LE(std::abs(std::log(zoom)), 0.14 + 1e-9);  // 15 %
      EXPECT_LE(std::abs(std::atan2(right.y, right.x)), 8 * kPi / 180 + 1e-9);
    }
  }
}

}  // namespace
}  // namespace pipelines::puppets
