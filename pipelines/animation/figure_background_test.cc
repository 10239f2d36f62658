#include "pipelines/animation/figure_background.h"

#include <sys/stat.h>

#include <filesystem>
#include <string>
#include <utility>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/files/testing_folder.h"
#include "pipelines/media/image_io.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines {
namespace {

using ::absl::StatusCode;
using ::networks::files::FreshTestFolder;
using ::testing::AllOf;
using ::testing::HasSubstr;
using Kind = BackgroundOptions::Kind;

const cv::Size kSize(8, 8);

cv::Mat Grey(int value, cv::Size size = kSize) {
  return cv::Mat(size, CV_8UC3, cv::Scalar::all(value));
}

// 1 in the columns of [begin, end).
cv::Mat Columns(int begin, int end) {
  cv::Mat map(kSize, CV_32FC1, cv::Scalar(0));
  map.colRange(begin, end) = 1;
  return map;
}

// The figure is in the columns 0 to 3, and was in 2 to 4.
FigureMaps Maps() { return {Columns(0, 4), Columns(2, 5), {}}; }

cv::Mat Painted(const std::string& background, const FigureMaps& maps) {
  const auto painter = BackgroundPainter::Create(*ParseBackground(background));
  EXPECT_THAT(painter, IsOk());
  return painter->Paint(Grey(10), maps, Grey(20), Grey(30), kSize);
}

int At(const cv::Mat& picture, int x) { return picture.at<cv::Vec3b>(3, x)[0]; }

TEST(ParseBackground, TakesWordsColoursAndPaths) {
  EXPECT_EQ(ParseBackground("")->kind, Kind::kModel);
  EXPECT_EQ(ParseBackground("still")->kind, Kind::kStill);
  EXPECT_EQ(ParseBackground("driving")->kind, Kind::kDriving);
  EXPECT_EQ(ParseBackground("beach.jpg")->picture, "beach.jpg");
  EXPECT_EQ(ParseBackground("#ff8001")->colour, cv::Scalar(255, 128, 1));
  EXPECT_EQ(ParseBackground("white")->colour, cv::Scalar(255, 255, 255));
  EXPECT_EQ(ParseBackground("./white")->picture, "./white");
  for (const char* text : {"#", "#00ff0", "#00ff000", "#00ff0g", "#0x00ff"}) {
    EXPECT_THAT(ParseBackground(text),
                StatusIs(StatusCode::kInvalidArgument,
                         AllOf(HasSubstr(text), HasSubstr("#rrggbb"))));
  }
}

TEST(BackgroundPainter, KeepsTheFigureAndReplacesWhatIsBehindIt) {
  for (const auto& [background, value] :
       {std::pair<std::string, int>("driving", 30),
        std::pair<std::string, int>("#282828", 40)}) {
    const cv::Mat painted = Painted(background, Maps());
    EXPECT_EQ(At(painted, 0), 10);
    EXPECT_EQ(At(painted, 3), 10);
    for (const int x : {4, 5, 7}) EXPECT_EQ(At(painted, x), value) << x;
  }
  EXPECT_EQ(At(Painted("", Maps()), 7), 10);
}

// Where the figure was, the source shows it, not its background.
TEST(BackgroundPainter, LeavesWhatTheFigureHidToTheModel) {
  const cv::Mat painted = Painted("still", Maps());
  for (const int x : {0, 3, 4, 5}) EXPECT_EQ(At(painted, x), 10) << x;
  for (const int x : {6, 7}) EXPECT_EQ(At(painted, x), 20) << x;
}

// What the dense motion takes for background is, whatever the mask says; what
// is nearly so is, too.
TEST(BackgroundWeight, IsThatOfMaskAndDenseMotion) {
  FigureMaps maps;
  maps.figure = Columns(0, 4);
  for (const auto& [contribution, weight] :
       {std::pair<float, float>(0.2F, 0.F), std::pair<float, float>(0.5F, 0.5F),
        std::pair<float, float>(0.8F, 1.F)}) {
    maps.background = cv::Mat(4, 4, CV_32FC1, cv::Scalar(contribution));
    const cv::Mat weights = BackgroundWeight(maps, kSize, false);
    EXPECT_NEAR(weights.at<float>(2, 2), weight, 1e-6);
    EXPECT_EQ(weights.at<float>(2, 6), 1);
  }
}

TEST(BackgroundPainter, FillsTheFrameWithAPicture) {
  const std::string folder = FreshTestFolder();
  std::filesystem::create_directories(folder);
  const std::string path = folder + "/wide.png";
  ASSERT_THAT(media::WriteImage(path, Grey(50, {64, 16})), IsOk());
  const cv::Mat painted = Painted(path, Maps());
  EXPECT_EQ(painted.size(), kSize);
  EXPECT_EQ(At(painted, 7), 50);
  EXPECT_THAT(BackgroundPainter::Create(*ParseBackground(folder + "/none.png"))
                  .status(),
              StatusIs(StatusCode::kNotFound, HasSubstr("none.png")));
}

TEST(ReadMask, NamesBothSizesOfAMaskOfAnotherSize) {
  const std::string folder = FreshTestFolder();
  std::filesystem::create_directories(folder);
  const std::string path = folder + "/mask.png";
  ASSERT_THAT(media::WriteImage(path, Grey(255, {30, 20})), IsOk());
  const auto mask = ReadMask(path, "me.png", {30, 20});
  ASSERT_THAT(mask, IsOk());
  EXPECT_EQ(mask->type(), CV_8UC1);
  EXPECT_EQ(mask->at<unsigned char>(5, 5), 255);
  EXPECT_THAT(ReadMask(path, "me.png", {31, 20}),
              StatusIs(StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("mask.png: is of 30x20"),
                             HasSubstr("me.png of 31x20"))));
}

// A pipe that nobody writes.
TEST(ReadMask, IsStopped) {
  const std::string folder = FreshTestFolder();
  std::filesystem::create_directories(folder);
  const std::string path = folder + "/pipe";
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  const auto stop = [] { return true; };
  EXPECT_THAT(ReadMask(path, "me.png", {30, 20}, stop),
              StatusIs(StatusCode::kCancelled, HasSubstr(path)));
  EXPECT_THAT(BackgroundPainter::Create(*ParseBackground(path), stop),
              StatusIs(StatusCode::kCancelled, HasSubstr(path)));
}

}  // namespace
}  // namespace pipelines
