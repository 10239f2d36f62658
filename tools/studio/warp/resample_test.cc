#include "tools/studio/warp/resample.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace studio {
namespace {

using ::testing::ElementsAre;

RgbaImage RandomPicture(int width, int height) {
  std::mt19937 generator(7);
  RgbaImage picture{width, height, std::vector<uint8_t>(4 * width * height)};
  for (uint8_t& byte : picture.pixels) {
    byte = static_cast<uint8_t>(generator());
  }
  return picture;
}

RgbaImage Uniform(int width, int height, std::array<uint8_t, 4> colour) {
  RgbaImage picture{width, height, {}};
  for (int n = 0; n < width * height; ++n) {
    picture.pixels.insert(picture.pixels.end(), colour.begin(), colour.end());
  }
  return picture;
}

std::vector<uint8_t> Sample(const RgbaImage& picture, double x, double y) {
  std::vector<uint8_t> pixel(4);
  SampleAt(picture, Eigen::Vector2d(x, y), pixel.data());
  return pixel;
}

TEST(SampleAtTest, GivesThePixelAtItsCentreWhateverItsAlpha) {
  const RgbaImage picture = RandomPicture(5, 3);
  for (int y = 0; y < 3; ++y) {
    for (int x = 0; x < 5; ++x) {
      const auto first = picture.pixels.begin() + 4 * (5 * y + x);
      EXPECT_EQ(Sample(picture, x, y), std::vector<uint8_t>(first, first + 4));
    }
  }
}

TEST(SampleAtTest, IsLinearBetweenPixels) {
  const RgbaImage picture{2, 1, {0, 100, 200, 255, 100, 0, 200, 255}};
  EXPECT_THAT(Sample(picture, 0.25, 0), ElementsAre(25, 75, 200, 255));
}

TEST(SampleAtTest, TransparentPixelsGiveNoColour) {
  const RgbaImage picture{2, 1, {200, 100, 50, 255, 0, 0, 0, 0}};
  EXPECT_THAT(Sample(picture, 0.5, 0), ElementsAre(200, 100, 50, 128));
}

TEST(SampleAtTest, IsTransparentOutsideAndWhereAPlaceIsNotFinite) {
  const RgbaImage picture = Uniform(4, 4, {9, 9, 9, 255});
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  for (const double bad : {-1.0, 4.0, 1e300, -1e300, kInfinity, kNan}) {
    EXPECT_THAT(Sample(picture, bad, 1), ElementsAre(0, 0, 0, 0)) << bad;
    EXPECT_THAT(Sample(picture, 1, bad), ElementsAre(0, 0, 0, 0)) << bad;
  }
  // Within a pixel of the border it fades.
  EXPECT_THAT(Sample(picture, -0.5, 1), ElementsAre(9, 9, 9, 128));
}

TEST(ScaledToTest, KeepsAPictureOfTheRightSizeBitForBit) {
  const RgbaImage picture = RandomPicture(20, 31);
  EXPECT_EQ(ScaledTo(picture, 31).pixels, picture.pixels);
}

TEST(ScaledToTest, KeepsAUniformColourAndTheProportions) {
  const RgbaImage picture = Uniform(90, 30, {10, 200, 30, 77});
  for (const int size : {1, 2, 32, 89, 91, 200}) {
    const RgbaImage scaled = ScaledTo(picture, size);
    EXPECT_EQ(scaled.width, size);
    EXPECT_EQ(scaled.height, std::max(1, (size + 1) / 3)) << size;
    const RgbaImage expected =
        Uniform(scaled.width, scaled.height, {10, 200, 30, 77});
    EXPECT_EQ(scaled.pixels, expected.pixels) << size;
  }
}

TEST(ScaledToTest, ShrinksToMeansOfAreas) {
  const RgbaImage picture{
      4, 1, {0, 0, 0, 255, 100, 0, 0, 255, 200, 0, 0, 255, 100, 0, 0, 255}};
  EXPECT_THAT(ScaledTo(picture, 2).pixels,
              ElementsAre(50, 0, 0, 255, 150, 0, 0, 255));
}

TEST(ScaledToTest, TakesSidesOfOnePixel) {
  const RgbaImage dot = Uniform(1, 1, {1, 2, 3, 255});
  const RgbaImage scaled = ScaledTo(dot, 32);
  EXPECT_EQ(scaled.width, 32);
  EXPECT_EQ(scaled.height, 32);
  EXPECT_EQ(scaled.pixels, Uniform(32, 32, {1, 2, 3, 255}).pixels);
  EXPECT_EQ(ScaledTo(Uniform(2000, 1, {1, 2, 3, 255}), 32).height, 1);
}

}  // namespace
}  // namespace studio
