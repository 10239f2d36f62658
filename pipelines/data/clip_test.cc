#include "pipelines/data/clip.h"

#include <sys/stat.h>
#include <unistd.h>

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/files/atomic_file.h"
#include "opencv2/core.hpp"
#include "pipelines/media/frame_source.h"
#include "pipelines/media/image_io.h"
#include "pipelines/media/video_test_util.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines::data {
namespace {

using ::absl::StatusCode;
using ::networks::files::WriteAtomically;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr int kFrames = 12;
const cv::Size kSize(48, 48);

// Every kind of clip, under names that say something else where they can.
std::string WriteClip(const std::string& kind) {
  const std::string path = media::TempPath("clip of kind " + kind);
  if (kind == "folder") media::WriteNumberedFolder(path, kSize, kFrames);
  if (kind == "stack.jpg")
    media::WriteNumberedStack(path, kSize.height, kFrames);
  if (kind == "video.png") {
    media::WriteNumberedVideo(path + ".mp4", kSize, kFrames);
    EXPECT_EQ(rename((path + ".mp4").c_str(), path.c_str()), 0);
  }
  return path;
}

class EveryKind : public testing::TestWithParam<const char*> {};

INSTANTIATE_TEST_SUITE_P(Kinds, EveryKind,
                         testing::Values("folder", "stack.jpg", "video.png"),
                         [](const auto& info) {
                           return std::string(info.param).substr(0, 5);
                         });

TEST_P(EveryKind, IsReadInOrder) {
  const auto clip = ReadClip(WriteClip(GetParam()));
  ASSERT_THAT(clip, IsOk());
  ASSERT_EQ(clip->frames.size(), static_cast<size_t>(kFrames));
  for (int i = 0; i < kFrames; ++i) {
    const cv::Mat& frame = clip->frames[static_cast<size_t>(i)];
    EXPECT_EQ(frame.size(), kSize);
    EXPECT_EQ(media::FrameIndex(frame), i);
  }
  EXPECT_EQ(clip->frame_rate, (media::Rational{25, 1}));
  EXPECT_EQ(clip->num_bytes(), int64_t{kFrames} * kSize.area() * 3);
}

TEST_P(EveryKind, IsProbedWithoutReading) {
  const auto info = ProbeClip(WriteClip(GetParam()));
  ASSERT_THAT(info, IsOk());
  EXPECT_EQ(info->num_frames, kFrames);
  EXPECT_EQ(info->size, kSize);
  EXPECT_EQ(info->random_access, GetParam() == std::string("folder"));
}

TEST_P(EveryKind, GivesSingleFramesAsInTheWhole) {
  const std::string path = WriteClip(GetParam());
  const auto clip = ReadClip(path);
  const auto frames = ReadClipFrames(path, {7, 2, 7});
  ASSERT_THAT(frames, IsOk());
  ASSERT_EQ(frames->size(), 3u);
  for (size_t i = 0; i < 3; ++i) {
    const size_t index = i == 1 ? 2 : 7;
    EXPECT_EQ(cv::norm((*frames)[i], clip->frames[index], cv::NORM_INF), 0);
  }
  EXPECT_THAT(ReadClipFrames(path, {kFrames}),
              StatusIs(StatusCode::kOutOfRange, HasSubstr(path)));
}

TEST_P(EveryKind, IsResizedOnRequest) {
  ClipOptions options;
  options.size = cv::Size(24, 12);
  const auto clip = ReadClip(WriteClip(GetParam()), options);
  ASSERT_THAT(clip, IsOk());
  for (const cv::Mat& frame : clip->frames) {
    EXPECT_EQ(frame.size(), cv::Size(24, 12));
  }
}

TEST_P(EveryKind, IsRefusedBeyondTheMemoryLimit) {
  ClipOptions options;
  options.max_bytes = kFrames * kSize.area() * 3 - 1;
  EXPECT_THAT(ReadClip(WriteClip(GetParam()), options),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("MiB")));
}

TEST_P(EveryKind, StreamsWithRisingTimes) {
  const auto source = media::OpenFrameSource(WriteClip(GetParam()));
  ASSERT_THAT(source, IsOk());
  const media::VideoInfo info = (*source)->info();
  EXPECT_EQ(info.num_frames, kFrames);
  ASSERT_TRUE(info.duration.has_value());
  EXPECT_NEAR(*info.duration, kFrames / 25.0, 1e-9);
  for (int i = 0; i < kFrames; ++i) {
    const auto frame = (*source)->Next();
    ASSERT_TRUE(frame.ok() && frame->has_value());
    EXPECT_EQ((*frame)->pts * info.time_base.num * 25, i * info.time_base.den);
  }
  const auto end = (*source)->Next();
  ASSERT_THAT(end, IsOk());
  EXPECT_FALSE(end->has_value());
}

TEST(ReadClip, TakesAnImageThatIsNoRowForASingleFrame) {
  const std::string path = media::TempPath("portrait.png");
  ASSERT_THAT(
      media::WriteImage(path, media::NumberedFrame(cv::Size(30, 40), 5)),
      IsOk());
  const auto clip = ReadClip(path);
  ASSERT_THAT(clip, IsOk());
  ASSERT_EQ(clip->frames.size(), 1u);
  EXPECT_EQ(clip->frames[0].size(), cv::Size(30, 40));
}

TEST(ReadClip, IgnoresNotesBesideFrames) {
  const std::string path = media::TempPath("with notes");
  media::WriteNumberedFolder(path, kSize, 3);
  for (const char* note : {"/labels.csv", "/README.md", "/.hidden",
                           "/Thumbs.db", "/desktop.ini"}) {
    ASSERT_THAT(WriteAtomically(path + note, "notes"), IsOk());
  }
  const auto clip = ReadClip(path);
  ASSERT_THAT(clip, IsOk());
  EXPECT_EQ(clip->frames.size(), 3u);
}

TEST(ReadClip, NeedsASizeForFramesOfSeveral) {
  const std::string path = media::TempPath("mixed sizes");
  media::WriteNumberedFolder(path, kSize, 3);
  ASSERT_THAT(media::WriteImage(path + "/9.png",
                                media::NumberedFrame(cv::Size(60, 50), 9)),
              IsOk());
  EXPECT_THAT(ReadClip(path),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("9.png")));
  ClipOptions options;
  options.size = kSize;
  EXPECT_THAT(ReadClip(path, options), IsOk());
}

TEST(ReadClip, NamesTheFrameThatCannotBeRead) {
  const std::string path = media::TempPath("with a bad frame");
  media::WriteNumberedFolder(path, kSize, 4);
  ASSERT_THAT(WriteAtomically(path + "/2.png", "no picture"), IsOk());
  EXPECT_THAT(ReadClip(path),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("2.png")));
  // Frames that were not asked for do not matter.
  EXPECT_THAT(ReadClipFrames(path, {0, 3}), IsOk());
}

TEST(ReadClip, NamesWhatIsNoClip) {
  const std::string folder = media::TempFolder("empty folder");
  const std::string text = media::TempPath("a text.mp4"),
                    none = media::TempPath("nothing.mp4");
  ASSERT_THAT(WriteAtomically(text, "Once upon a time.\n"), IsOk());
  ASSERT_THAT(WriteAtomically(none, ""), IsOk());
  for (const auto& read :
       {ReadClip(folder).status(), ProbeClip(folder).status()}) {
    EXPECT_THAT(read, StatusIs(StatusCode::kInvalidArgument,
                               HasSubstr("holds no frames")));
  }
  EXPECT_THAT(ReadClip(text),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("a text.mp4")));
  EXPECT_THAT(ReadClip(none),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("is empty")));
  EXPECT_THAT(ReadClip(media::TempPath("absent")),
              StatusIs(StatusCode::kNotFound, HasSubstr("absent")));
}

// It would be waited for.
TEST(ReadClip, OpensNoPipe) {
  const std::string pipe = media::TempPath("a pipe");
  unlink(pipe.c_str());  // of an earlier run
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  for (const auto& read : {ReadClip(pipe).status(), ProbeClip(pipe).status()}) {
    EXPECT_THAT(read, StatusIs(StatusCode::kInvalidArgument,
                               HasSubstr("a pipe is a pipe or a device")));
  }
}

TEST(ProbeClip, MayMissDamageThatReadClipFinds) {
  const std::string path = media::TempPath("damaged inside.mp4");
  media::WriteNumberedVideo(path, kSize, 60);
  media::DamageInside(path);
  EXPECT_THAT(ProbeClip(path), IsOk());
  EXPECT_THAT(ReadClip(path),
              StatusIs(StatusCode::kDataLoss,
                       AllOf(HasSubstr(path), HasSubstr("frames read"),
                             Not(HasSubstr("allow_damaged")))));
}

TEST(FarthestFrame, DiffersMostFromTheFirst) {
  Clip clip;
  for (const int grey : {100, 110, 30, 160, 100}) {
    clip.frames.emplace_back(4, 4, CV_8UC3, cv::Scalar::all(grey));
  }
  EXPECT_EQ(FarthestFrame(clip), 2);
}

TEST(OpenFrameSource, TakesAWidePhotographForOneFrameWhereAsked) {
  const std::string path = media::TempPath("wide.png");
  media::WriteNumberedStack(path, 16, 3);
  media::FrameSourceOptions options;
  options.min_stacked_frames = 3;
  EXPECT_EQ((*media::OpenFrameSource(path, options))->info().num_frames, 3);
  options.min_stacked_frames = 4;
  const auto source = media::OpenFrameSource(path, options);
  ASSERT_THAT(source, IsOk());
  EXPECT_EQ((*source)->info().num_frames, 1);
  EXPECT_EQ((*source)->info().width, 48);
}

TEST(ReadClip, TakesNoStripeOfPixelsForFrames) {
  const std::string path = media::TempPath("stripe.png");
  ASSERT_THAT(
      media::WriteImage(path, cv::Mat(1, 60000, CV_8UC3, cv::Scalar(9, 9, 9))),
      IsOk());
  const auto is_refused =
      StatusIs(StatusCode::kInvalidArgument,
               AllOf(HasSubstr(path), HasSubstr("60000 frames of 1x1 pixels")));
  EXPECT_THAT(ReadClip(path), is_refused);
  EXPECT_THAT(ProbeClip(path), is_refused);
  EXPECT_THAT(media::OpenFrameSource(path), is_refused);
}

TEST(ReadClip, RefusesAPlaylistOfOtherFiles) {
  media::WriteNumberedVideo(media::TempPath("victim.mp4"), kSize, kFrames);
  const std::string path = media::TempPath("playlist.mp4");
  ASSERT_THAT(WriteAtomically(path, "ffconcat version 1.0\nfile victim.mp4\n"),
              IsOk());
  const auto is_refused =
      StatusIs(StatusCode::kInvalidArgument,
               AllOf(HasSubstr(path), HasSubstr("names other files")));
  EXPECT_THAT(ReadClip(path), is_refused);
  EXPECT_THAT(ReadClipFrames(path, {0}), is_refused);
  EXPECT_THAT(ProbeClip(path), is_refused);
}

}  // namespace
}  // namespace pipelines::data
