#include "pipelines/animation/face_choice.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines {
namespace {

using ::absl::StatusCode;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

const std::vector<cv::Rect>& Faces() {
  static const auto* const kFaces = new std::vector<cv::Rect>{
      {10, 20, 30, 30}, {80, 22, 41, 40}, {200, 5, 41, 40}};
  return *kFaces;
}

std::vector<cv::Rect> Chosen(const std::string& text) {
  return *ChooseFaces(*ParseFaceChoice(text), Faces());
}

TEST(FaceChoice, MeansTheLargestSomeOrAll) {
  EXPECT_THAT(Chosen("largest"), ElementsAre(Faces()[1]));
  EXPECT_THAT(Chosen("3"), ElementsAre(Faces()[2]));
  EXPECT_THAT(Chosen("3,1,3"), ElementsAre(Faces()[0], Faces()[2]));
  EXPECT_EQ(Chosen("all"), Faces());
}

TEST(FaceChoice, ListsWhatWasFound) {
  EXPECT_THAT(
      ChooseFaces(*ParseFaceChoice("1,4"), Faces()),
      StatusIs(StatusCode::kNotFound,
               AllOf(HasSubstr("no face 4"), HasSubstr("found 3"),
                     HasSubstr("1 at 10,20 of 30x30, 2 at 80,22 of 41x40, "
                               "3 at 200,5 of 41x40"))));
  for (const char* text : {"largest", "1", "all"}) {
    EXPECT_THAT(ChooseFaces(*ParseFaceChoice(text), {}),
                StatusIs(StatusCode::kNotFound, HasSubstr("no face")));
  }
}

TEST(FaceChoice, NamesMistakes) {
  for (const char* text : {"", "0", "-1", "1,", "none", "1.5", "all,1"}) {
    EXPECT_THAT(ParseFaceChoice(text),
                StatusIs(StatusCode::kInvalidArgument,
                         HasSubstr(std::string("'") + text + "'")));
  }
}

}  // namespace
}  // namespace pipelines
