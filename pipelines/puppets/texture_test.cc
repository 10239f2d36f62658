#include "pipelines/puppets/texture.h"

#include <cmath>

#include "gtest/gtest.h"

namespace pipelines::puppets {
namespace {

TEST(Hsv, HasTheCornersOfTheColourWheel) {
  EXPECT_LT(cv::norm(Hsv(0, 1, 1) - Color(1, 0, 0)), 1e-6);
  EXPECT_LT(cv::norm(Hsv(1. / 3, 1, 1) - Color(0, 1, 0)), 1e-6);
  EXPECT_LT(cv::norm(Hsv(2. / 3, 1, 1) - Color(0, 0, 1)), 1e-6);
  EXPECT_LT(cv::norm(Hsv(0.3, 0, 0.4) - Color(0.4F, 0.4F, 0.4F)), 1e-6);
  // Whole turns make no difference.
  EXPECT_LT(cv::norm(Hsv(-0.8, 0.5, 0.7) - Hsv(1.2, 0.5, 0.7)), 1e-6);
}

TEST(Blend, MixesAndClamps) {
  const Color black(0, 0, 0), white(1, 1, 1);
  EXPECT_EQ(Blend(black, white, -1), black);
  EXPECT_EQ(Blend(black, white, 0.25), Color(0.25F, 0.25F, 0.25F));
  EXPECT_EQ(Blend(black, white, 2), white);
}

TEST(Noise, IsASmoothFunctionOfPlaceAndSeed) {
  bool differs = false;
  for (int i = 0; i < 200; ++i) {
    const Point2 p{0.37 * i, 0.11 * i};
    const double value = Noise(p, 7, 3);
    EXPECT_GE(value, 0);
    EXPECT_LE(value, 1);
    EXPECT_EQ(value, Noise(p, 7, 3));
    // Its finest octave has features of a quarter.
    EXPECT_LT(std::abs(Noise(p + Point2{1e-4, 0}, 7, 3) - value), 1e-2);
    differs = differs || Noise(p, 8, 3) != value;
  }
  EXPECT_TRUE(differs);
}

TEST(RandomPaints, AreColoursEverywhereAndTheSameForASeed) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    Random random({seed}), again({seed});
    const Paint pattern =
        RandomPattern(Hsv(0.1, 0.8, 0.9), Hsv(0.6, 0.5, 0.3), 0.2, random);
    const Paint background = RandomBackground(0.5, random);
    const Paint pattern_again =
        RandomPattern(Hsv(0.1, 0.8, 0.9), Hsv(0.6, 0.5, 0.3), 0.2, again);
    for (int i = 0; i < 50; ++i) {
      const Point2 p{std::cos(i), std::sin(3 * i)};
      for (const Color& color : {pattern(p), background(p)}) {
        for (int c = 0; c < 3; ++c) {
          EXPECT_GE(color[c], 0) << seed;
          EXPECT_LE(color[c], 1) << seed;
        }
      }
      EXPECT_EQ(pattern(p), pattern_again(p));
    }
  }
}

// Without an outline it covers everything, with the paint of the nearest point.
TEST(Texture, GivesThePaintOfItsRectangle) {
  const Paint ramp = [](Point2 p) {
    return Color(static_cast<float>(p.x), 0, static_cast<float>(p.y));
  };
  const Texture texture(ramp, {}, Point2{0, 0}, Point2{1, 1}, 20);
  cv::Vec3b color;
  ASSERT_TRUE(texture.Cover(Point2{0.5, 0.25}, color));
  EXPECT_NEAR(color[0], 127.5, 1);
  EXPECT_EQ(color[1], 0);
  EXPECT_NEAR(color[2], 63.75, 1);
  ASSERT_TRUE(texture.Cover(Point2{7, -3}, color));
  EXPECT_NEAR(color[0], 255, 1);
  EXPECT_NEAR(color[2], 0, 1);
}

}  // namespace
}  // namespace pipelines::puppets
