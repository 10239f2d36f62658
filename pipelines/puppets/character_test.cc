#include "pipelines/puppets/character.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "gtest/gtest.h"

namespace pipelines::puppets {
namespace {

constexpr double kGround = 0.88;

// The largest y of an outline that `world` turns and shifts.
double Lowest(const Outline& outline, const Affine2& world) {
  double lowest = -10;
  for (const Piece& piece : outline) {
    for (const Point2 corner : piece.corners) {
      lowest = std::max(lowest, world(corner).y + piece.radius);
    }
  }
  return lowest;
}

TEST(RandomCharacter, HasMeasuresOutlinesAndPaintsForEveryPart) {
  for (uint64_t seed = 0; seed < 30; ++seed) {
    Random random({seed});
    const Character character = RandomCharacter(0.5, random);
    const Measures& m = character.measures;
    for (const double length :
         {m.neck, m.head_radius, m.torso, m.shoulder, m.hip, m.upper_arm,
          m.lower_arm, m.arm_radius, m.thigh, m.shin, m.leg_radius}) {
      EXPECT_GT(length, 0) << seed;
    }
    // A frame is 2 high.
    EXPECT_LT(m.neck + 2 * m.head_radius + m.torso + m.thigh + m.shin, 2);
    for (int part = 0; part < kNumParts; ++part) {
      EXPECT_FALSE(character.outlines[part].empty()) << part;
      ASSERT_TRUE(character.paints[part]) << part;
    }
    // Each part is painted once.
    std::vector<int> order(character.painting_order.begin(),
                           character.painting_order.end());
    std::sort(order.begin(), order.end());
    for (int part = 0; part < kNumParts; ++part) EXPECT_EQ(order[part], part);
  }
}

// Limbs are joined: the lower half begins where the upper one ends.
TEST(WorldFromParts, KeepsLimbsTogetherAndFeetOnTheGround) {
  for (uint64_t seed = 0; seed < 30; ++seed) {
    Random random({seed});
    const Character character = RandomCharacter(0.5, random);
    const Measures& m = character.measures;
    for (const Pose& pose : RandomMotion(20, random)) {
      const auto world = WorldFromParts(character, pose);
      const auto gap = [&](Part upper, double length, Part lower) {
        const Point2 d =
            world[upper](Point2{0, length}) - world[lower](Point2{});
        return std::hypot(d.x, d.y);
      };
      EXPECT_LT(gap(kLeftUpperArm, m.upper_arm, kLeftLowerArm), 1e-9);
      EXPECT_LT(gap(kRightUpperArm, m.upper_arm, kRightLowerArm), 1e-9);
      EXPECT_LT(gap(kLeftThigh, m.thigh, kLeftShin), 1e-9);
      EXPECT_LT(gap(kRightThigh, m.thigh, kRightShin), 1e-9);
      const double lowest =
          std::max(Lowest(character.outlines[kLeftShin], world[kLeftShin]),
                   Lowest(character.outlines[kRightShin], world[kRightShin]));
      EXPECT_NEAR(lowest, kGround - pose.jump, 1e-9) << seed;
    }
  }
}

}  // namespace
}  // namespace pipelines::puppets
