#include "pipelines/puppets/truth.h"

#include <filesystem>
#include <fstream>
#include <string>

#include "absl/strings/str_replace.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opencv2/core.hpp"
#include "pipelines/puppets/scene.h"
#include "pipelines/puppets/shape.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines::puppets {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr int kSize = 64;
constexpr int kFrames = 24;

Scene MakeScene(uint64_t seed, bool camera_motion) {
  SceneOptions options;
  options.size = kSize;
  options.num_frames = kFrames;
  options.camera_motion = camera_motion;
  return Scene(options, Random({seed}));
}

void WriteTruth(const std::string& folder, const Truth& truth) {
  for (const TruthFile& file : TruthFiles(truth)) {
    std::ofstream(folder + "/" + file.name) << file.content;
  }
}

// A disc of radius 0.6 below one of radius 0.3, which are at the frame's centre
// and right of it. In the second frame the large one is twice as large, and the
// small one at the middle of the lower border.
Truth TwoDiscs() {
  const Point2 origin;
  Truth truth;
  truth.outlines = {{}, {{{origin}, 0.6}}, {{{origin}, 0.3}}};
  truth.frames.resize(2);
  truth.frames[0].frame_from_layer = {
      {}, {}, Similarity(/*scale=*/1, /*angle=*/0, {0.5, 0})};
  truth.frames[1].frame_from_layer = {
      {},
      Similarity(/*scale=*/2, /*angle=*/0, {0, 0}),
      Similarity(/*scale=*/1, /*angle=*/0, {0, 1})};
  return truth;
}

TEST(TopLayer, IsTheLastPaintedThatCoversThePoint) {
  const Truth truth = TwoDiscs();
  EXPECT_EQ(TopLayer(truth, 0, {0, 0}), 1);
  EXPECT_EQ(TopLayer(truth, 0, {-0.59, 0}), 1);
  EXPECT_EQ(TopLayer(truth, 0, {-0.61, 0}), 0);
  EXPECT_EQ(TopLayer(truth, 0, {0.5, 0}), 2);  // where both are
  EXPECT_EQ(TopLayer(truth, 0, {0.79, 0}), 2);
  EXPECT_EQ(TopLayer(truth, 0, {0.81, 0}), 0);
  EXPECT_EQ(TopLayer(truth, 1, {0.5, 0}), 1);
  EXPECT_EQ(TopLayer(truth, 1, {0, 0.71}), 2);
  // A layer without pieces covers nothing.
  Truth bare = truth;
  bare.outlines[2].clear();
  EXPECT_EQ(TopLayer(bare, 0, {0.5, 0}), 1);
}

// The centres of the first and last pixel are at -1 and 1.
TEST(TopLayers, AreThoseOfThePixelsCentres) {
  const Truth truth = TwoDiscs();
  const int kFirst[5][5] = {{0, 0, 0, 0, 0},
                            {0, 0, 1, 0, 0},
                            {0, 1, 1, 2, 0},
                            {0, 0, 1, 0, 0},
                            {0, 0, 0, 0, 0}};
  const int kSecond[5][5] = {{0, 1, 1, 1, 0},
                             {1, 1, 1, 1, 1},
                             {1, 1, 1, 1, 1},
                             {1, 1, 1, 1, 1},
                             {0, 1, 2, 1, 0}};
  const cv::Mat first = TopLayers(truth, 0, 5);
  const cv::Mat second = TopLayers(truth, 1, 5);
  ASSERT_EQ(first.type(), CV_32S);
  ASSERT_EQ(first.size(), cv::Size(5, 5));
  for (int row = 0; row < 5; ++row) {
    for (int column = 0; column < 5; ++column) {
      EXPECT_EQ(first.at<int>(row, column), kFirst[row][column])
          << "at row " << row << ", column " << column;
      EXPECT_EQ(second.at<int>(row, column), kSecond[row][column])
          << "at row " << row << ", column " << column;
    }
  }
}

void ExpectFlow(const cv::Mat& flow, int row, int column, Point2 origin,
                int visible) {
  const auto& pixel = flow.at<cv::Vec3f>(row, column);
  const double kRounding = 1e-6;  // of float32 below 2
  EXPECT_NEAR(pixel[0], origin.x, kRounding)
      << "x at row " << row << ", column " << column;
  EXPECT_NEAR(pixel[1], origin.y, kRounding)
      << "y at row " << row << ", column " << column;
  EXPECT_EQ(pixel[2], visible)
      << "visibility at row " << row << ", column " << column;
}

// The large disc shrinks to half from the second frame to the first, where the
// small one hides a part of it.
TEST(SourceFromDriving, FollowsTheLayersAndSeesWhatIsHidden) {
  const cv::Mat flow = SourceFromDriving(TwoDiscs(), 0, 1, 5);
  ASSERT_EQ(flow.type(), CV_32FC3);
  ASSERT_EQ(flow.size(), cv::Size(5, 5));
  const int kVisible[5][5] = {{1, 1, 1, 1, 1},
                              {1, 1, 1, 1, 0},
                              {1, 1, 1, 0, 0},
                              {1, 1, 1, 1, 0},
                              {1, 1, 1, 1, 1}};
  for (int row = 0; row < 5; ++row) {
    for (int column = 0; column < 5; ++column) {
      const Point2 pixel{column / 2.0 - 1, row / 2.0 - 1};
      const bool corner = row % 4 == 0 && column % 4 == 0;
      Point2 origin{pixel.x / 2, pixel.y / 2};               // the large disc
      if (corner) origin = pixel;                            // the background
      if (row == 4 && column == 2) origin = Point2{0.5, 0};  // the small disc
      ExpectFlow(flow, row, column, origin, kVisible[row][column]);
    }
  }
}

// The other way the large disc hides the background but for its corners.
TEST(SourceFromDriving, TellsSourceFromDriving) {
  const cv::Mat flow = SourceFromDriving(TwoDiscs(), 1, 0, 5);
  ExpectFlow(flow, 0, 0, {-1, -1}, 1);  // the background
  ExpectFlow(flow, 0, 1, {-0.5, -1}, 0);
  ExpectFlow(flow, 2, 1, {-1, 0}, 1);  // the large disc
  ExpectFlow(flow, 1, 2, {0, -1}, 1);
  ExpectFlow(flow, 3, 2, {0, 1}, 0);  // behind the small disc
  ExpectFlow(flow, 2, 3, {0, 1}, 1);  // the small disc
}

TEST(SourceFromDriving, SeesNothingOutsideTheFrame) {
  Truth truth = TwoDiscs();
  truth.frames[1].frame_from_layer[0] =
      Similarity(/*scale=*/1, /*angle=*/0, {0.5, 0});
  const cv::Mat flow = SourceFromDriving(truth, 1, 0, 5);
  ExpectFlow(flow, 0, 4, {1.5, -1}, 0);
  ExpectFlow(flow, 0, 3, {1, -1}, 1);
}

TEST(ReadTruth, NamesTheFileAndLineOfAMistake) {
  const std::string folder = ::testing::TempDir() + "/bad_truth";
  std::filesystem::create_directories(folder);
  EXPECT_THAT(
      ReadTruth(folder + "/none"),
      StatusIs(absl::StatusCode::kNotFound, HasSubstr("none/outlines.csv")));
  WriteTruth(folder, MakeScene(1, false).truth());
  std::ofstream(folder + "/layers.csv")
      << "frame,layer,a,b,c,d,e,f\n0,0,1,0,0,0,1,0\n0,1,1,0,zero,0,1,0\n";
  EXPECT_THAT(ReadTruth(folder), StatusIs(absl::StatusCode::kInvalidArgument,
                                          AllOf(HasSubstr("layers.csv:3"),
                                                HasSubstr("8 numbers"))));
  std::ofstream(folder + "/layers.csv")
      << "frame,layer,a,b,c,d,e,f\n0,0,1,2,0,2,4,0\n";
  EXPECT_THAT(ReadTruth(folder), StatusIs(absl::StatusCode::kInvalidArgument,
                                          HasSubstr("cannot be inverted")));
}

TEST(ReadTruth, TakesTablesThatWindowsHasSaved) {
  const std::string folder = ::testing::TempDir() + "/truth_of_windows";
  std::filesystem::create_directories(folder);
  const Truth truth = MakeScene(1, false).truth();
  for (const TruthFile& file : TruthFiles(truth)) {
    std::ofstream(folder + "/" + file.name)
        << "\xEF\xBB\xBF"
        << absl::StrReplaceAll(file.content, {{"\n", "\r\n"}});
  }
  const absl::StatusOr<Truth> read = ReadTruth(folder);
  ASSERT_THAT(read, IsOk());
  EXPECT_EQ(read->outlines.size(), truth.outlines.size());
  EXPECT_EQ(read->frames.size(), truth.frames.size());
}

TEST(Truth, SurvivesWritingAndReading) {
  const std::string folder = ::testing::TempDir() + "/truth";
  std::filesystem::create_directories(folder);
  for (const bool camera_motion : {false, true}) {
    const Truth truth = MakeScene(1, camera_motion).truth();
    WriteTruth(folder, truth);
    const absl::StatusOr<Truth> read = ReadTruth(folder);
    ASSERT_THAT(read, IsOk());
    // Numbers are written exactly, so nothing may differ at all.
    ASSERT_EQ(read->frames.size(), truth.frames.size());
    for (int frame : {0, 7, kFrames - 1}) {
      const cv::Mat expected = SourceFromDriving(truth, frame, 3, kSize);
      const cv::Mat actual = SourceFromDriving(*read, frame, 3, kSize);
      EXPECT_EQ(cv::norm(expected, actual, cv::NORM_INF), 0);
      for (int joint = 0; joint < kNumJoints; ++joint) {
        const JointState& a = read->frames[frame].joints[joint];
        const JointState& b = truth.frames[frame].joints[joint];
        EXPECT_EQ(a.position.x, b.position.x);
        EXPECT_EQ(a.position.y, b.position.y);
        EXPECT_EQ(a.visible, b.visible);
      }
    }
  }
}

}  // namespace
}  // namespace pipelines::puppets
