#include "tools/segment/prompt_text.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "third_party/absl/status_matchers.h"

namespace tools {
namespace {

using ::absl::StatusCode;
using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr int kWidth = 200, kHeight = 100;

TEST(ParsePoints, ReadsPointsWithAndWithoutLabels) {
  const auto points = ParsePoints("120,80 0,0,0\t199.5,99,1", kWidth, kHeight);
  ASSERT_THAT(points, IsOk());
  ASSERT_EQ(points->size(), 3u);
  EXPECT_EQ((*points)[0].x, 120);
  EXPECT_EQ((*points)[0].y, 80);
  EXPECT_TRUE((*points)[0].foreground);
  EXPECT_FALSE((*points)[1].foreground);
  EXPECT_EQ((*points)[2].x, 199.5);
  EXPECT_TRUE((*points)[2].foreground);
}

TEST(ParsePoints, OfNoTextAreNone) {
  const auto points = ParsePoints(" ", kWidth, kHeight);
  ASSERT_THAT(points, IsOk());
  EXPECT_TRUE(points->empty());
}

TEST(ParsePoints, NamesThePointThatIsWrong) {
  const auto refuses = [](const std::string& word, const std::string& why) {
    EXPECT_THAT(ParsePoints("1,1 " + word, kWidth, kHeight).status(),
                StatusIs(StatusCode::kInvalidArgument,
                         AllOf(HasSubstr("'" + word + "'"), HasSubstr(why))));
  };
  refuses("5", "is not x,y");
  refuses("5,6,2", "label 0 or 1");
  refuses("5,6,1,1", "is not x,y");
  refuses("5,six", "has 'six' for a number");
  refuses("5,nan", "for a number");
  refuses("200,5", "200 x 100 pixels");
  refuses("5,-1", "is not in the image");
}

TEST(ParseBoxes, ReadsBoxes) {
  const auto boxes = ParseBoxes("40,30,180,90 0,0,1,1", kWidth, kHeight);
  ASSERT_THAT(boxes, IsOk());
  ASSERT_EQ(boxes->size(), 2u);
  EXPECT_EQ((*boxes)[0].left, 40);
  EXPECT_EQ((*boxes)[0].top, 30);
  EXPECT_EQ((*boxes)[0].right, 180);
  EXPECT_EQ((*boxes)[0].bottom, 90);
}

TEST(ParseBoxes, NamesTheBoxThatIsWrong) {
  const auto refuses = [](const std::string& word, const std::string& why) {
    EXPECT_THAT(ParseBoxes(word, kWidth, kHeight).status(),
                StatusIs(StatusCode::kInvalidArgument,
                         AllOf(HasSubstr("'" + word + "'"), HasSubstr(why))));
  };
  refuses("1,2,3", "is not left,top,right,bottom");
  refuses("1,2,1,4", "has no area");
  refuses("3,2,1,4", "has no area");
  refuses("1,2,300,4", "is not in the image");
  refuses("1,2,3,x", "has 'x' for a number");
}

}  // namespace
}  // namespace tools
