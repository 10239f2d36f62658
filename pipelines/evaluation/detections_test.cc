#include "pipelines/evaluation/detections.h"

#include <filesystem>
#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/files/read_file.h"
#include "pipelines/evaluation/pose_files_test_util.h"
#include "pipelines/evaluation/pose_metrics.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines {
namespace {

namespace fs = std::filesystem;
using ::absl::StatusCode;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST_F(PoseMetricsTest, RowsAreSortedAndNamedWithoutKnownEndings) {
  const auto table = Table(absl::StrCat(kHeader,
                                        "\"b,1.mp4.png\",10,1,1,1,1\r\n"
                                        "test/a.mp4,2,2,2,2,2\n"
                                        "test/a.mp4,1,3,3,,\n"
                                        "v#1.9-3.png,0,1,1,1,1\n"
                                        "v#1.2-1.8,0,1,1,1,1\n"),
                           kKeypoints);
  ASSERT_THAT(table, IsOk());
  ASSERT_EQ(table->size(), 5u);
  EXPECT_EQ((*table)[0].clip, "a");
  EXPECT_EQ((*table)[0].frame, 1);
  EXPECT_THAT((*table)[0].values, ElementsAre(3, 3, -1, -1));
  EXPECT_THAT((*table)[0].place, HasSubstr("table.csv:4"));
  EXPECT_EQ((*table)[2].clip, "b,1");
  EXPECT_EQ((*table)[3].clip, "v#1.2-1.8");
  EXPECT_EQ((*table)[4].clip, "v#1.9-3");
}

TEST_F(PoseMetricsTest, ArraysAndTablesSayTheSame) {
  fs::create_directories(Path("real"));
  WriteArray("real/b.npy", {1, 2, 2}, {5, 6, -1, -1});
  WriteArray("real/a.npy", {2, 2, 2}, {1, 2, 3, 4, 9, 8, 7, 6});
  const auto arrays = ReadDetections(Path("real"), kKeypoints);
  const auto table =
      Table(absl::StrCat(kHeader, "a,0,1,2,3,4\na,1,9,8,7,6\nb,0,5,6,-1,-1\n"),
            kKeypoints);
  ASSERT_THAT(arrays, IsOk());
  ASSERT_THAT(table, IsOk());
  ASSERT_EQ(arrays->size(), table->size());
  for (size_t i = 0; i < table->size(); ++i) {
    EXPECT_EQ((*arrays)[i].clip, (*table)[i].clip);
    EXPECT_EQ((*arrays)[i].frame, (*table)[i].frame);
    EXPECT_EQ((*arrays)[i].values, (*table)[i].values);
  }
  EXPECT_THAT((*arrays)[1].place, HasSubstr("real/a.npy, row 1"));
}

TEST_F(PoseMetricsTest, TwoArraysPairUpWhateverTheirNames) {
  const auto real = ReadDetections(
      WriteArray("real.npy", {2, 1, 3}, {0, 0, 0, 1, 1, 1}), kEmbeddings);
  const auto generated = ReadDetections(
      WriteArray("generated.npy", {2, 1, 3}, {0, 0, 2, 1, 1, 1}), kEmbeddings);
  ASSERT_THAT(real, IsOk());
  ASSERT_THAT(generated, IsOk());
  const auto score = CompareEmbeddings(*real, *generated);
  ASSERT_THAT(score, IsOk());
  EXPECT_DOUBLE_EQ(score->aed, 2);
}

TEST_F(PoseMetricsTest, BadTablesAreRefused) {
  const struct {
    DetectionKind kind;
    std::string content, place, problem;
  } cases[] = {
      {kKeypoints, "clip,frame,x,y\na,0,1,2\n", "table.csv:1",
       "must be file_name,frame_number"},
      {kKeypoints, "file_name,frame_number,x0,y0,x1\n", "table.csv:1",
       "3 columns of values"},
      {kKeypoints, kHeader, "table.csv", "no frame"},
      {kKeypoints, absl::StrCat(kHeader, "a,0,1,2,3,4\na,1,1,2,3"),
       "table.csv:3", "is the file whole?"},
      {kKeypoints, absl::StrCat(kHeader, "a,0,1,2,3,4\na,one,1,2,3,4\n"),
       "table.csv:3", "'one'"},
      {kKeypoints, absl::StrCat(kHeader, "a,-3,1,2,3,4\n"), "table.csv:2",
       "'-3'"},
      {kKeypoints, absl::StrCat(kHeader, "a,0,1,2,x,4\n"), "table.csv:2",
       "column 5 is 'x'"},
      {kKeypoints, absl::StrCat(kHeader, "a,0,1,2,,4\n"), "table.csv:2",
       "only one of columns 5 and 6"},
      {kKeypoints, absl::StrCat(kHeader, "a,0,1,2,nan,4\n"), "table.csv:2",
       "value 2 is nan; a keypoint that was not found has x -1"},
      {kEmbeddings, "file_name,frame_number,e\na,0,inf\n", "table.csv:2",
       "value 0 is inf; an embedding has finite numbers"},
      {kEmbeddings, "file_name,frame_number,e\na,0,\n", "table.csv:2",
       "not a number"},
      {kKeypoints, absl::StrCat(kHeader, "a.mp4,0,1,2,3,4\na.png,0,1,2,3,4\n"),
       "table.csv:3", "came before, at"},
      {kKeypoints, absl::StrCat(kHeader, "\"a,0,1,2,3,4\n"), "table.csv:2",
       "quote"},
  };
  for (const auto& test : cases) {
    EXPECT_THAT(Table(test.content, test.kind),
                StatusIs(StatusCode::kInvalidArgument,
                         AllOf(HasSubstr(test.place), HasSubstr(test.problem))))
        << test.content;
  }
}

TEST_F(PoseMetricsTest, BadArraysAreRefused) {
  const std::string whole = WriteArray("a.npy", {1, 2, 2}, {1, 2, 3, 4});
  const std::string bytes = *networks::files::ReadFile(whole);
  EXPECT_THAT(
      ReadDetections(Write("cut.npy", bytes.substr(0, bytes.size() - 3)),
                     kKeypoints),
      StatusIs(StatusCode::kInvalidArgument, HasSubstr("cut.npy")));
  EXPECT_THAT(
      ReadDetections(WriteArray("flat.npy", {4}, {1, 2, 3, 4}), kEmbeddings),
      StatusIs(StatusCode::kInvalidArgument,
               AllOf(HasSubstr("flat.npy"), HasSubstr("[4]"))));
  EXPECT_THAT(
      ReadDetections(WriteArray("three.npy", {1, 1, 3}, {1, 2, 3}), kKeypoints),
      StatusIs(StatusCode::kInvalidArgument,
               HasSubstr("[frames, keypoints, 2]")));
  EXPECT_THAT(
      ReadDetections(WriteArray("nan.npy", {2, 1, 2}, {1, 2, 3, NAN}),
                     kKeypoints),
      StatusIs(StatusCode::kInvalidArgument, HasSubstr("nan.npy, row 1")));
  fs::create_directories(Path("empty"));
  EXPECT_THAT(
      ReadDetections(Path("empty"), kKeypoints),
      StatusIs(StatusCode::kInvalidArgument, HasSubstr("no .npy file")));
  EXPECT_THAT(ReadDetections(Path("none.csv"), kKeypoints),
              StatusIs(StatusCode::kNotFound, HasSubstr("none.csv")));
  EXPECT_THAT(
      ReadDetections(Write("a.pkl", "x"), kKeypoints),
      StatusIs(StatusCode::kInvalidArgument, HasSubstr("must be a .csv")));
}

TEST_F(PoseMetricsTest, ClipsOfSeveralLengthsOfValuesAreRefused) {
  fs::create_directories(Path("mixed"));
  WriteArray("mixed/a.npy", {1, 2, 2}, {1, 2, 3, 4});
  WriteArray("mixed/b.npy", {1, 1, 2}, {1, 2});
  EXPECT_THAT(
      ReadDetections(Path("mixed"), kKeypoints),
      StatusIs(StatusCode::kInvalidArgument,
               AllOf(HasSubstr("b.npy, row 0"), HasSubstr("2 values"))));
}

}  // namespace
}  // namespace pipelines
