#include "tools/studio/warp/det_colours.h"

#include <limits>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace studio {
namespace {

using ::testing::ElementsAre;

std::vector<uint8_t> ColourOf(double factor) {
  std::vector<uint8_t> pixel(4);
  WriteDetColours(Eigen::VectorXd::Constant(1, factor), pixel.data());
  return pixel;
}

TEST(DetColoursTest, GoFromBlueByWhiteToRed) {
  EXPECT_THAT(ColourOf(1), ElementsAre(247, 247, 247, 255));
  EXPECT_THAT(ColourOf(0.25), ElementsAre(33, 102, 172, 255));
  EXPECT_THAT(ColourOf(4), ElementsAre(178, 24, 43, 255));
  EXPECT_THAT(ColourOf(2), ElementsAre(244, 165, 130, 255));
}

TEST(DetColoursTest, EndAtTheirRange) {
  EXPECT_EQ(ColourOf(1e-300), ColourOf(0.25));
  EXPECT_EQ(ColourOf(1e300), ColourOf(4));
}

TEST(DetColoursTest, MarkFolds) {
  const std::vector<uint8_t> folded = ColourOf(-1);
  EXPECT_THAT(folded, ElementsAre(200, 0, 200, 255));
  EXPECT_EQ(ColourOf(0), folded);
  EXPECT_EQ(ColourOf(std::numeric_limits<double>::infinity()), folded);
  EXPECT_EQ(ColourOf(std::numeric_limits<double>::quiet_NaN()), folded);
}

}  // namespace
}  // namespace studio
