#include "pipelines/explanation/read_pair.h"

#include <torch/types.h>

#include <cmath>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/files/testing_folder.h"
#include "opencv2/core.hpp"
#include "pipelines/media/image_io.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines {
namespace {

using testing::HasSubstr;

class ReadPairTest : public networks::files::FolderTest {
 protected:
  ReadPairTest() { options_.frame_size = {32, 32}; }

  // A picture of `greys`, 64x64 each, side by side: several are a video.
  std::string Write(const std::string& name, const std::vector<int>& greys) {
    std::vector<cv::Mat> frames;
    for (const int grey : greys) {
      frames.emplace_back(64, 64, CV_8UC3, cv::Scalar::all(grey));
    }
    cv::Mat row;
    cv::hconcat(frames, row);
    const std::string path = Path(name);
    EXPECT_THAT(media::WriteImage(path, row), IsOk());
    return path;
  }

  static int GreyOf(const torch::Tensor& image) {
    EXPECT_EQ(image.sizes(), torch::IntArrayRef({3, 32, 32}));
    return static_cast<int>(std::lround(255 * image.mean().item<double>()));
  }

  ReadPairOptions options_;
};

TEST_F(ReadPairTest, TakesTheFrameThatDiffersMostFromTheFirst) {
  const auto read = ReadPair(Write("s.png", {10}),
                             Write("d.png", {50, 90, 20, 200, 180}), options_);
  ASSERT_THAT(read, IsOk());
  EXPECT_EQ(read->frame, 3);
  EXPECT_EQ(GreyOf(read->pair.source), 10);
  EXPECT_EQ(GreyOf(read->pair.driving), 200);
  EXPECT_EQ(GreyOf(read->pair.first_driving), 50);
}

TEST_F(ReadPairTest, TakesTheFrameThatIsNamed) {
  options_.frame = 2;
  options_.mode = PairMode::kStandard;
  const auto read = ReadPair(Write("s.png", {10}),
                             Write("d.png", {50, 90, 20, 200}), options_);
  ASSERT_THAT(read, IsOk());
  EXPECT_EQ(GreyOf(read->pair.driving), 20);
  EXPECT_FALSE(read->pair.first_driving.defined());
}

TEST_F(ReadPairTest, TakesTwoPicturesAsTheyAre) {
  const auto read =
      ReadPair(Write("s.png", {10}), Write("d.png", {90}), options_);
  ASSERT_THAT(read, IsOk());
  EXPECT_EQ(GreyOf(read->pair.driving), 90);
  EXPECT_FALSE(read->pair.first_driving.defined());
}

TEST_F(ReadPairTest, TellsWhichFramesThereAre) {
  const std::string source = Write("s.png", {10});
  const std::string video = Write("d.png", {50, 90, 20});
  options_.frame = 3;
  EXPECT_THAT(ReadPair(source, video, options_),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("no frame 3; it has 3 frames, from 0")));
  EXPECT_THAT(ReadPair(source, source, options_),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("it has 1 frame, number 0")));
}

TEST_F(ReadPairTest, RefusesRelativeMotionOfOnePicture) {
  options_.mode = PairMode::kRelative;
  EXPECT_THAT(ReadPair(Write("s.png", {10}), Write("d.png", {90}), options_),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("d.png")));
}

TEST_F(ReadPairTest, RefusesAMotionFile) {
  EXPECT_THAT(
      ReadPair(Write("s.png", {10}), Path("m.motion.safetensors"), options_),
      StatusIs(absl::StatusCode::kInvalidArgument,
               HasSubstr("m.motion.safetensors: a motion file holds no")));
}

TEST_F(ReadPairTest, NamesTheFileThatIsMissing) {
  const std::string source = Write("s.png", {10});
  EXPECT_THAT(ReadPair(source, Path("none.mp4"), options_),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("none.mp4")));
}

TEST(ParsePairMode, KnowsItsNames) {
  EXPECT_THAT(ParsePairMode("auto"), IsOkAndHolds(PairMode::kAuto));
  EXPECT_THAT(ParsePairMode("standard"), IsOkAndHolds(PairMode::kStandard));
  EXPECT_THAT(ParsePairMode("relative"), IsOkAndHolds(PairMode::kRelative));
  EXPECT_THAT(ParsePairMode("avd"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("avd")));
}

}  // namespace
}  // namespace pipelines
