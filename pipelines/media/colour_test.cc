#include "pipelines/media/colour.h"

#include <gtest/gtest.h>

#include <string>

namespace pipelines::media {
namespace {

TEST(ParseColourTest, TakesNamesAndHexadecimalDigits) {
  EXPECT_EQ(ParseColour("white"), cv::Vec3b(255, 255, 255));
  EXPECT_EQ(ParseColour("black"), cv::Vec3b(0, 0, 0));
  EXPECT_EQ(ParseColour("#ff8001"), cv::Vec3b(255, 128, 1));
  EXPECT_EQ(ParseColour("#FF8001"), cv::Vec3b(255, 128, 1));
}

TEST(ParseColourTest, TakesNothingElse) {
  for (const std::string text :
       {"", "#", "White", "red", "ff8001", "#ff800", "#ff80011", "#+f8001",
        "#0x8001", "# f8001", "white "}) {
    EXPECT_EQ(ParseColour(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace pipelines::media
