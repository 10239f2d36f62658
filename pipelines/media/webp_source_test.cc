// Its laws as a FrameSource are in frame_source_test.cc.
#include "pipelines/media/webp_source.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opencv2/core.hpp"
#include "pipelines/media/formats/image_chunks_test_util.h"
#include "pipelines/media/frame_source.h"
#include "pipelines/media/read_video_test_util.h"
#include "pipelines/media/webp_test_util.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines::media {
namespace {

using ::absl::StatusCode;
using ::testing::AllOf;
using ::testing::HasSubstr;

enum Flags { kBlend = 0, kBlendAndClear = 1, kReplace = 2 };

const cv::Size kCanvas(12, 8);
const cv::Scalar kRed(0, 0, 255, 255), kGreen(0, 255, 0, 255);
const cv::Scalar kHalfBlue(255, 0, 0, 128);

std::string Plain(cv::Rect place, int milliseconds, int flags,
                  const cv::Scalar& bgra) {
  return WebpFrameChunk(place, milliseconds, flags,
                        LosslessChunk(cv::Mat(place.size(), CV_8UC4, bgra)));
}

absl::StatusOr<std::unique_ptr<FrameSource>> Open(const std::string& file,
                                                  bool allow_damaged = false) {
  FrameSourceOptions options;
  options.allow_damaged = allow_damaged;
  options.damage_advice = "do this";
  return OpenFrameSourceInMemory(std::make_shared<const std::string>(file),
                                 "x.webp", options);
}

// Red all over, a blue veil over part of it that goes again, and green.
std::string ThreeFrames() {
  return AnimatedWebp(kCanvas,
                      Plain({0, 0, 12, 8}, 0, kBlend, kRed) +
                          Plain({4, 2, 4, 4}, 50, kBlendAndClear, kHalfBlue) +
                          Plain({6, 4, 6, 4}, 30, kReplace, kGreen));
}

TEST(WebpSource, ShowsAHundredthOfASecondForATenthAsBrowsersDo) {
  const auto source =
      Open(AnimatedWebp(kCanvas, Plain({0, 0, 12, 8}, 10, kBlend, kRed) +
                                     Plain({0, 0, 12, 8}, 11, kBlend, kGreen)));
  ASSERT_THAT(source, IsOk());
  const std::vector<VideoFrame> frames = ReadAll(**source);
  ASSERT_EQ(frames.size(), 2u);
  EXPECT_EQ(frames[0].duration, 100);
  EXPECT_EQ(frames[1].duration, 11);
}

TEST(WebpSource, DrawsEachFrameOnWhatIsLeftOfTheOneBefore) {
  const auto source = Open(ThreeFrames());
  ASSERT_THAT(source, IsOk());
  const std::vector<VideoFrame> frames = ReadAll(**source);
  ASSERT_EQ(frames.size(), 3u);
  const auto at = [&](size_t frame, int x, int y) {
    return frames[frame].rgb.at<cv::Vec3b>(y, x);
  };
  const cv::Vec3b red(255, 0, 0), green(0, 255, 0), white(255, 255, 255);
  EXPECT_EQ(at(0, 4, 2), red);
  EXPECT_TRUE(frames[0].alpha.empty());
  EXPECT_EQ(at(1, 4, 2), cv::Vec3b(127, 0, 128));
  EXPECT_EQ(at(1, 3, 2), red);
  EXPECT_EQ(at(1, 8, 5), red);
  EXPECT_TRUE(frames[1].alpha.empty());
  EXPECT_EQ(at(2, 4, 2), white);
  EXPECT_EQ(frames[2].alpha.at<uint8_t>(2, 4), 0);
  EXPECT_EQ(at(2, 6, 4), green);
  EXPECT_EQ(frames[2].alpha.at<uint8_t>(4, 6), 255);
  EXPECT_EQ(at(2, 0, 0), red);
}

// Nothing is beneath the first frame, whatever background the file states.
TEST(WebpSource, KeepsTheAlphaOfWhatReplaces) {
  const auto source = Open(
      AnimatedWebp(kCanvas, Plain({0, 0, 12, 8}, 40, kBlend, kHalfBlue) +
                                Plain({0, 0, 4, 8}, 40, kBlend, kHalfBlue) +
                                Plain({0, 0, 2, 8}, 40, kReplace, kHalfBlue)));
  ASSERT_THAT(source, IsOk());
  const std::vector<VideoFrame> frames = ReadAll(**source);
  ASSERT_EQ(frames.size(), 3u);
  EXPECT_EQ(frames[0].rgb.at<cv::Vec3b>(0, 0), cv::Vec3b(127, 127, 255));
  EXPECT_EQ(frames[0].alpha.at<uint8_t>(0, 0), 128);
  EXPECT_EQ(frames[1].alpha.at<uint8_t>(0, 0), 192);  // 128 + 128 * 127 / 255
  EXPECT_EQ(frames[2].alpha.at<uint8_t>(0, 0), 128);
  EXPECT_EQ(frames[2].alpha.at<uint8_t>(0, 2), 192);
  EXPECT_EQ(frames[2].alpha.at<uint8_t>(0, 4), 128);
}

TEST(WebpSource, ShowsAFrameWithoutATimeForATenthOfASecond) {
  const auto source = Open(ThreeFrames());
  ASSERT_THAT(source, IsOk());
  const VideoInfo& info = (*source)->info();
  EXPECT_EQ(info.num_frames, 3);
  EXPECT_EQ(*info.duration, 0.18);
  EXPECT_EQ(info.frame_rate, (Rational{3000, 180}));
  EXPECT_EQ(info.time_base, (Rational{1, 1000}));
  const std::vector<VideoFrame> frames = ReadAll(**source);
  ASSERT_EQ(frames.size(), 3u);
  const int64_t begins[] = {0, 100, 150}, durations[] = {100, 50, 30};
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(frames[i].pts, begins[i]);
    EXPECT_EQ(frames[i].duration, durations[i]);
  }
}

TEST(WebpSource, TurnsFramesByExif) {
  // A quarter turn to the right: the top of what is stored becomes the right.
  const std::string exif("II*\0\x08\0\0\0\1\0\x12\1\3\0\1\0\0\0\6\0\0\0", 22);
  const auto source =
      Open(AnimatedWebp(kCanvas, Plain({0, 0, 12, 8}, 40, kBlend, kRed) +
                                     Plain({0, 0, 12, 2}, 40, kBlend, kGreen) +
                                     RiffChunk("EXIF", exif)));
  ASSERT_THAT(source, IsOk());
  EXPECT_EQ((*source)->info().width, 8);
  EXPECT_EQ((*source)->info().height, 12);
  const std::vector<VideoFrame> frames = ReadAll(**source);
  ASSERT_EQ(frames.size(), 2u);
  EXPECT_EQ(frames[1].rgb.size(), cv::Size(8, 12));
  EXPECT_EQ(frames[1].rgb.at<cv::Vec3b>(11, 7), cv::Vec3b(0, 255, 0));
  EXPECT_EQ(frames[1].rgb.at<cv::Vec3b>(0, 0), cv::Vec3b(255, 0, 0));
}

TEST(WebpSource, IsNeverAShorterVideo) {
  const std::string file = ThreeFrames();
  for (size_t size = 32; size < file.size(); size += 7) {
    const auto source = Open(file.substr(0, size));
    absl::Status status = source.status();
    while (status.ok()) {
      const auto frame = (*source)->Next();
      ASSERT_FALSE(frame.ok() && !*frame) << size;
      status = frame.status();
    }
    EXPECT_THAT(status, StatusIs(StatusCode::kDataLoss, HasSubstr("x.webp")));
  }
}

// A second frame whose picture has another size than its place.
std::string DamagedInside() {
  return AnimatedWebp(
      kCanvas,
      Plain({0, 0, 12, 8}, 40, kBlend, kRed) +
          WebpFrameChunk({0, 0, 4, 4}, 40, kBlend,
                         LosslessChunk(cv::Mat(5, 4, CV_8UC4, kGreen))) +
          Plain({0, 0, 2, 2}, 40, kBlend, kGreen));
}

TEST(WebpSource, NamesTheFrameThatCannotBeDecoded) {
  const auto source = Open(DamagedInside());
  ASSERT_THAT(source, IsOk());
  ASSERT_THAT((*source)->Next(), IsOk());
  const absl::Status status = (*source)->Next().status();
  EXPECT_THAT(status, StatusIs(StatusCode::kDataLoss,
                               AllOf(HasSubstr("x.webp, frame 2"),
                                     HasSubstr("(1 frames read); do this"))));
  EXPECT_EQ((*source)->Next().status(), status);
}

TEST(WebpSource, LeavesOutDamageWhereItIsAllowed) {
  const auto source = Open(DamagedInside(), /*allow_damaged=*/true);
  ASSERT_THAT(source, IsOk());
  const std::vector<VideoFrame> frames = ReadAll(**source);
  ASSERT_EQ(frames.size(), 2u);
  EXPECT_EQ(frames[1].pts, 80);
  EXPECT_EQ(frames[1].rgb.at<cv::Vec3b>(3, 3), cv::Vec3b(255, 0, 0));
  EXPECT_THAT((*source)->damage(),
              AllOf(HasSubstr("1 of 3 frames is lost"),
                    HasSubstr("after frame 1"), HasSubstr("frame 2")));
  const std::string file = ThreeFrames();
  const auto cut = Open(file.substr(0, file.size() - 9), true);
  ASSERT_THAT(cut, IsOk());
  EXPECT_EQ(ReadAll(**cut).size(), 2u);
  EXPECT_THAT((*cut)->damage(),
              AllOf(HasSubstr("no frame is known to be lost; damage after "
                              "frame 2"),
                    HasSubstr("cut short")));
}

TEST(WebpSource, RefusesWhatIsTooLarge) {
  const std::string frame = Plain({0, 0, 12, 8}, 40, kBlend, kRed);
  EXPECT_THAT(Open(AnimatedWebp({16384, 16384}, frame)),
              StatusIs(StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("x.webp"), HasSubstr("16384x16384"))));
}

}  // namespace
}  // namespace pipelines::media
