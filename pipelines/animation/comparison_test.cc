#include "pipelines/animation/comparison.h"

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/files/testing_folder.h"
#include "opencv2/core.hpp"
#include "pipelines/media/frame_sink.h"
#include "pipelines/media/frame_source.h"
#include "pipelines/media/rational.h"
#include "pipelines/media/video_test_util.h"
#include "pipelines/media/video_writer.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines {
namespace {

using ::absl::StatusCode;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::Optional;

auto Frames(int64_t count) { return Field(&ComparisonReport::frames, count); }

double SecondsOfSound(const std::string& path) {
  const media::Sound sound = media::ReadSound(path);
  return static_cast<double>(sound.samples.size()) / sound.rate;
}

class ComparisonTest : public networks::files::FolderTest {
 protected:
  ComparisonTest() { options_.tile = {48, 32}; }

  std::string Video(const std::string& name, int frames,
                    cv::Size size = {48, 32}) {
    media::WriteNumberedVideo(Path(name), size, frames, {30000, 1001});
    return Path(name);
  }

  // The numbers that the tiles of each frame show, row by row.
  std::vector<std::vector<int>> Numbers(const std::string& name, int columns,
                                        int count) const {
    std::vector<std::vector<int>> numbers;
    const auto source = media::OpenFrameSource(Path(name));
    EXPECT_THAT(source, IsOk());
    while (source.ok()) {
      const auto frame = (*source)->Next();
      EXPECT_THAT(frame, IsOk());
      if (!frame.ok() || !*frame) break;
      numbers.emplace_back();
      for (int i = 0; i < count; ++i) {
        const cv::Rect tile(cv::Point(i % columns * options_.tile.width,
                                      i / columns * options_.tile.height),
                            options_.tile);
        numbers.back().push_back(media::FrameIndex((*frame)->rgb(tile)));
      }
    }
    return numbers;
  }

  ComparisonOptions options_;
};

// The first video says when it ends and how fast it is; one that ends before
// keeps its last frame, and one that goes on is cut.
TEST_F(ComparisonTest, PlaysVideosTogetherInStepWithTheFirst) {
  const std::vector<std::string> videos = {Video("a.mp4", 4), Video("b.mp4", 2),
                                           Video("c.mp4", 9)};
  options_.columns = 2;
  EXPECT_THAT(WriteComparison(videos, Path("grid.mp4"), options_),
              IsOkAndHolds(Frames(4)));
  EXPECT_THAT(Numbers("grid.mp4", 2, 3),
              ElementsAre(ElementsAre(0, 0, 0), ElementsAre(1, 1, 1),
                          ElementsAre(2, 1, 2), ElementsAre(3, 1, 3)));
  const auto source = media::OpenFrameSource(Path("grid.mp4"));
  ASSERT_THAT(source, IsOk());
  EXPECT_EQ((*source)->info().frame_rate, (media::Rational{30000, 1001}));
  EXPECT_EQ((*source)->info().width, 96);
  EXPECT_EQ((*source)->info().height, 64);
}

// As GIF and WebP do, which merge frames or leave some out.
TEST_F(ComparisonTest, ShowsTheSameTimeOfAVideoOfFewerFrames) {
  media::WriteNumberedVideo(Path("a.mp4"), {48, 32}, 10, {50, 1});
  media::WriteNumberedVideo(Path("half.mp4"), {48, 32}, 5, {25, 1});
  EXPECT_THAT(WriteComparison({Path("a.mp4"), Path("half.mp4")},
                              Path("grid.mp4"), options_),
              IsOkAndHolds(Frames(10)));
  const auto numbers = Numbers("grid.mp4", 2, 2);
  ASSERT_EQ(numbers.size(), 10u);
  for (int i = 0; i < 10; ++i) {
    EXPECT_THAT(numbers[static_cast<size_t>(i)], ElementsAre(i, i / 2));
  }
}

// A Matroska file states one duration for all its frames.
TEST_F(ComparisonTest, StaysInStepWhereFramesComeBeforeTheirDurationEnds) {
  const int count = 8;
  for (const char* name : {"a.mkv", "b.mkv"}) {
    media::VideoWriterOptions writer;
    writer.width = 48;
    writer.height = 32;
    writer.frame_rate = {25, 1};
    writer.time_base = media::Rational{1, 1000};
    const auto sink = media::OpenFrameSink(Path(name), writer);
    ASSERT_THAT(sink, IsOk());
    for (int i = 0; i < count; ++i) {
      const int64_t pts = i / 2 * 100 + i % 2 * 10;
      ASSERT_THAT((*sink)->WriteAt(media::NumberedFrame({48, 32}, i), pts, 40),
                  IsOk());
    }
    ASSERT_THAT((*sink)->Finish(), IsOk());
  }
  EXPECT_THAT(WriteComparison({Path("a.mkv"), Path("b.mkv")}, Path("grid.mkv"),
                              options_),
              IsOkAndHolds(Frames(count)));
  const auto numbers = Numbers("grid.mkv", 2, 2);
  ASSERT_EQ(numbers.size(), static_cast<size_t>(count));
  for (int i = 0; i < count; ++i) {
    EXPECT_THAT(numbers[static_cast<size_t>(i)], ElementsAre(i, i));
  }
}

// At whatever rate they would be shown.
TEST_F(ComparisonTest, CountsTheFramesOfAFolder) {
  media::WriteNumberedVideo(Path("a.mp4"), {48, 32}, 4, {50, 1});
  media::WriteNumberedFolder(Path("folder"), {48, 32}, 4);
  EXPECT_THAT(WriteComparison({Path("a.mp4"), Path("folder")}, Path("grid.mp4"),
                              options_),
              IsOkAndHolds(Frames(4)));
  EXPECT_THAT(Numbers("grid.mp4", 2, 2),
              ElementsAre(ElementsAre(0, 0), ElementsAre(1, 1),
                          ElementsAre(2, 2), ElementsAre(3, 3)));
}

TEST_F(ComparisonTest, CutsTheSoundToTheFrames) {
  media::WriteSound(Path("sound.m4a"), 2);
  media::WriteNumberedVideo(Path("a.mp4"), {48, 32}, 50);
  media::MergeSound({Path("a.mp4"), Path("sound.m4a")}, {"und", "und"},
                    Path("talk.mkv"));
  options_.max_frames = 5;
  ASSERT_THAT(WriteComparison({Path("talk.mkv")}, Path("few.mp4"), options_),
              IsOkAndHolds(Frames(5)));
  // 0.2 s, and what of two packets of 64 ms reaches beyond them.
  EXPECT_LT(SecondsOfSound(Path("few.mp4")), 0.33);
  // Where the last frames are lost.
  media::DamageInside(Path("a.mp4"));
  media::MergeSound({Path("a.mp4"), Path("sound.m4a")}, {"und", "und"},
                    Path("damaged.mkv"));
  options_.max_frames = 0;
  options_.first.allow_damaged = true;
  const auto report =
      WriteComparison({Path("damaged.mkv")}, Path("damaged.mp4"), options_);
  ASSERT_THAT(report, IsOk());
  ASSERT_LT(report->frames, 48);
  EXPECT_LT(SecondsOfSound(Path("damaged.mp4")), 1.95);
  EXPECT_THAT(report->warnings, ElementsAre(HasSubstr("lost")));
}

TEST_F(ComparisonTest, SaysThatTheSoundIsEncodedAnew) {
  media::WriteSound(Path("sound.wav"), 0.2);
  media::MergeSound({Video("a.mp4", 5), Path("sound.wav")}, {"und", "und"},
                    Path("talk.mkv"));
  const auto report =
      WriteComparison({Path("talk.mkv")}, Path("grid.mp4"), options_);
  ASSERT_THAT(report, IsOk());
  EXPECT_THAT(report->warnings, ElementsAre(HasSubstr("encoded anew")));
}

TEST_F(ComparisonTest, CropsEachVideoToTheAspectOfATile) {
  const std::vector<std::string> videos = {Video("a.mp4", 1),
                                           Video("wide.mp4", 1, {144, 32})};
  EXPECT_THAT(WriteComparison(videos, Path("grid.mp4"), options_),
              IsOkAndHolds(Frames(1)));
  const auto source = media::OpenFrameSource(Path("grid.mp4"));
  ASSERT_THAT(source, IsOk());
  EXPECT_EQ((*source)->info().width, 2 * 48);
  EXPECT_EQ((*source)->info().height, 32);
}

// As a result of several panels or faces is: not a row of square frames.
TEST_F(ComparisonTest, TakesAWidePictureForOneFrame) {
  media::WriteNumberedStack(Path("wide.png"), 32, 3);
  ASSERT_THAT(WriteComparison({Video("a.mp4", 1), Path("wide.png")},
                              Path("grid.mp4"), options_),
              IsOk());
  const auto source = media::OpenFrameSource(Path("grid.mp4"));
  ASSERT_THAT(source, IsOk());
  const auto frame = (*source)->Next();
  ASSERT_THAT(frame, IsOk());
  // The middle square of the picture is in the middle of its tile.
  const cv::Rect middle(48 + 8, 0, 32, 32);
  EXPECT_EQ(media::FrameIndex((*frame)->rgb(middle)), 1);
}

TEST_F(ComparisonTest, KnowsWhatItShows) {
  std::filesystem::create_directory(Path("more"));
  const std::vector<std::string> videos = {Video("a.mp4", 1),
                                           Video("more/b; c.mp4", 1)};
  ASSERT_THAT(WriteComparison(videos, Path("grid.mp4"), options_), IsOk());
  EXPECT_THAT(ComparedNames(Path("grid.mp4")),
              Optional(ElementsAre("a.mp4", "b; c.mp4")));
  EXPECT_EQ(ComparedNames(Path("a.mp4")), std::nullopt);
  EXPECT_EQ(ComparedNames(Path("absent.mp4")), std::nullopt);
}

TEST_F(ComparisonTest, ReplacesNothingUnlessToldAndNeverAVideo) {
  const std::vector<std::string> videos = {Video("a.mp4", 1)};
  std::ofstream(Path("grid.mp4")) << "precious";
  EXPECT_THAT(WriteComparison(videos, Path("grid.mp4"), options_),
              StatusIs(StatusCode::kAlreadyExists, HasSubstr("grid.mp4")));
  EXPECT_EQ(Contents("grid.mp4"), "precious");
  options_.overwrite = true;
  EXPECT_THAT(WriteComparison(videos, Path("grid.mp4"), options_), IsOk());
  EXPECT_THAT(
      WriteComparison(videos, videos[0], options_),
      StatusIs(StatusCode::kInvalidArgument, HasSubstr("is the input")));
}

TEST_F(ComparisonTest, LeavesNothingWhereItCannotEnd) {
  EXPECT_THAT(WriteComparison({}, Path("grid.mp4"), options_),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("no videos")));
  const std::string video = Video("a.mp4", 3);
  EXPECT_THAT(
      WriteComparison({video, Path("absent.mp4")}, Path("grid.mp4"), options_),
      StatusIs(StatusCode::kNotFound, HasSubstr("absent.mp4")));
  options_.hooks.stop = [] { return true; };
  EXPECT_THAT(WriteComparison({video}, Path("grid.mp4"), options_),
              StatusIs(StatusCode::kCancelled, testing::_));
  EXPECT_FALSE(std::filesystem::exists(Path("grid.mp4")));
}

}  // namespace
}  // namespace pipelines
