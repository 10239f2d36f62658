#include "pipelines/animation/motion_scales.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines {
namespace {

using ::absl::StatusCode;
using ::testing::_;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;

SetNames Names() {
  SetNames names;
  names.path = "mine.sets.textproto";
  names.sets = {{"head", {3}}, {"arms", {1, 4}}};
  return names;
}

absl::StatusOr<std::vector<double>> Resolve(const std::string& text,
                                            const SetNames& names = Names()) {
  return ResolveMotionScales(*ParseMotionScales(text), 5, names);
}

TEST(MotionScales, AreOneForAllOrOneForEach) {
  EXPECT_THAT(Resolve("0.7"), IsOkAndHolds(ElementsAre(0.7)));
  EXPECT_THAT(Resolve("1,0,0,2,0.5"),
              IsOkAndHolds(ElementsAre(1, 0, 0, 2, 0.5)));
  EXPECT_THAT(Resolve("1,0"), StatusIs(StatusCode::kInvalidArgument,
                                       AllOf(HasSubstr("2 values"),
                                             HasSubstr("5 keypoint sets"))));
}

TEST(MotionScales, AreOfSetsByNumberAndByName) {
  EXPECT_THAT(Resolve("3=0,5=0.5"), IsOkAndHolds(ElementsAre(1, 1, 0, 1, 0.5)));
  EXPECT_THAT(Resolve("arms=0, head=2"),
              IsOkAndHolds(ElementsAre(0, 1, 2, 0, 1)));
  EXPECT_THAT(Resolve("2=0", {}), IsOkAndHolds(ElementsAre(1, 0, 1, 1, 1)));
}

TEST(MotionScales, NameSetsThatThereAreNot) {
  EXPECT_THAT(Resolve("6=0"),
              StatusIs(StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("keypoint set 6"),
                             HasSubstr("keypoint sets 1 to 5"))));
  EXPECT_THAT(Resolve("0=0"), StatusIs(StatusCode::kInvalidArgument, _));
  EXPECT_THAT(Resolve("hed=0"),
              StatusIs(StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("'hed'"),
                             HasSubstr("mine.sets.textproto has the names "
                                       "'arms', 'head'"))));
  SetNames none;
  none.path = "mine.sets.textproto";
  EXPECT_THAT(Resolve("hed=0", none),
              StatusIs(StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("have no names"),
                             HasSubstr("mine.sets.textproto"))));
  none.path = "";
  EXPECT_THAT(Resolve("hed=0", none),
              StatusIs(StatusCode::kInvalidArgument,
                       EndsWith("have no names; use their numbers, 1 to 5")));
  EXPECT_THAT(Resolve("arms=0,4=1"),
              StatusIs(StatusCode::kInvalidArgument,
                       HasSubstr("keypoint set 4 has one already")));
}

TEST(MotionScales, NameMistakes) {
  for (const char* text : {"", "2.1", "-1", "nan", "a", "1,,2", "3=", "=1",
                           "3=x", "3=0=1", "1,3=0"}) {
    EXPECT_THAT(ParseMotionScales(text),
                StatusIs(StatusCode::kInvalidArgument, _))
        << text;
  }
}

}  // namespace
}  // namespace pipelines
