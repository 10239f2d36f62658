#include "tools/cut_clips/clip_list.h"

#include <limits>
#include <optional>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opencv2/core.hpp"
#include "third_party/absl/status_matchers.h"

namespace tools {
namespace {

using ::absl::StatusCode;
using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(ParseClipList, ReadsColumnsInAnyOrder) {
  const auto specs = ParseClipList(
      "end,unused,video_id,start,bbox\r\n"
      "2.5,x,ann#talk.mp4,1,10-20-110-220\r\n"
      "\n"
      "9,\"a, \"\"b\"\"\",bob.mp4,4,0 0 64.4 64\n",
      "list.csv");
  ASSERT_THAT(specs, IsOk());
  ASSERT_EQ(specs->size(), 2u);
  const ClipSpec& first = (*specs)[0];
  EXPECT_EQ(first.file, "ann#talk.mp4");
  EXPECT_EQ(first.start, 1);
  EXPECT_EQ(first.end, 2.5);
  EXPECT_EQ(first.box, cv::Rect(10, 20, 100, 200));
  EXPECT_EQ(first.name, "ann#talk#1-2.5");
  EXPECT_EQ(first.partition, "train");
  EXPECT_EQ((*specs)[1].box, cv::Rect(0, 0, 64, 64));
  EXPECT_EQ((*specs)[1].line, 4);
}

TEST(ParseClipList, KeepsTheSignsOfABoxWithSpaces) {
  const auto box = [](const std::string& text) {
    const auto specs =
        ParseClipList("file,start,end,box\na.mp4,1,2," + text, "list.csv");
    EXPECT_THAT(specs, IsOk()) << text;
    return specs.ok() ? specs->at(0).box : std::nullopt;
  };
  EXPECT_EQ(box("-12 -30 240 280"), cv::Rect(-12, -30, 252, 310));
  EXPECT_EQ(box("10  -5 100.4 200"), cv::Rect(10, -5, 90, 205));
  EXPECT_EQ(box("10 - 20 - 110 - 220"), cv::Rect(10, 20, 100, 200));
}

TEST(ParseClipList, TakesEmptyTimesForTheWholeVideo) {
  const auto specs = ParseClipList(
      "file,start,end,box\n"
      "ann.mp4,,,\n"
      "ann.mp4,12.4,,\n"
      "ann.mp4,,12.4,0-0-64-64\n",
      "list.csv");
  ASSERT_THAT(specs, IsOk());
  ASSERT_EQ(specs->size(), 3u);
  const double end = std::numeric_limits<double>::infinity();
  EXPECT_EQ((*specs)[0].start, 0);
  EXPECT_EQ((*specs)[0].end, end);
  EXPECT_EQ((*specs)[0].name, "ann");
  EXPECT_EQ((*specs)[1].end, end);
  EXPECT_EQ((*specs)[1].name, "ann#12.4-end");
  EXPECT_EQ((*specs)[2].start, 0);
  EXPECT_EQ((*specs)[2].end, 12.4);
  EXPECT_EQ((*specs)[2].name, "ann#0-12.4");
}

TEST(ParseClipList, NamesLineAndColumnOfAMistake) {
  const auto expect_error = [](const std::string& row,
                               const std::string& words) {
    EXPECT_THAT(
        ParseClipList("file,start,end,box,name,partition\n" + row, "list.csv"),
        StatusIs(StatusCode::kInvalidArgument,
                 AllOf(HasSubstr("list.csv:2"), HasSubstr(words))))
        << row;
  };
  expect_error(",1,2,,,", "file");
  expect_error("a.mp4,one,2,,,", "start is 'one'");
  expect_error("a.mp4,1,nan,,,", "end");
  expect_error("a.mp4,-1,2,,,", "start");
  expect_error("a.mp4,2,2,,,", "end");
  expect_error("a.mp4,1,2,1-2-3,,", "box");
  expect_error("a.mp4,1,2,50-0-10-10,,", "box");
  for (const char* box :
       {"-12-30-240-280", "10--5-100-200", "-12--30-240-280", "1-2-3-"}) {
    expect_error("a.mp4,1,2," + std::string(box) + ",,",
                 "box is '" + std::string(box) +
                     "'; write negative sides with spaces: -12 -30 240 280");
  }
  expect_error("a.mp4,1,2,-12 -30 240-280,,", "box");
  expect_error("a.mp4,1,2,,,val", "partition");
  expect_error("a.mp4,1,2,,../../evil,", "name");
  expect_error("/,,,,,", "name is ''");
  expect_error("a.mp4,1", "end");
  EXPECT_THAT(ParseClipList("file,start\na,1\n", "list.csv"),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("column end")));
  EXPECT_THAT(ParseClipList("", "list.csv"),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("list.csv:1")));
  EXPECT_THAT(
      ParseClipList("file,start,end\na.mp4,1,2\na.mp4,1,2\n", "list.csv"),
      StatusIs(StatusCode::kInvalidArgument,
               AllOf(HasSubstr("list.csv:3"), HasSubstr("second clip"))));
}

}  // namespace
}  // namespace tools
