#include "pipelines/media/video_writer.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/files/atomic_file.h"
#include "networks/files/read_file.h"
#include "networks/files/testing_full_disk.h"
#include "opencv2/core.hpp"
#include "pipelines/media/ffmpeg_util.h"
#include "pipelines/media/frame_source.h"
#include "pipelines/media/image_io.h"
#include "pipelines/media/open_input.h"
#include "pipelines/media/read_video_test_util.h"
#include "pipelines/media/video_reader.h"
#include "pipelines/media/video_test_util.h"
#include "third_party/absl/status_macros.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines::media {
namespace {

using ::absl::StatusCode;
using ::networks::files::WriteAtomically;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class ExactRate : public testing::TestWithParam<Rational> {};

INSTANTIATE_TEST_SUITE_P(Rates, ExactRate,
                         testing::Values(Rational{24000, 1001},
                                         Rational{30000, 1001}, Rational{25, 1},
                                         Rational{60000, 1001},
                                         Rational{15, 2}));

TEST_P(ExactRate, IsKeptAndEveryFrameHasItsTime) {
  const std::string path = TempPath("rate.mp4");
  WriteNumberedVideo(path, cv::Size(32, 32), 48, GetParam());
  const ReadVideo video = ReadAll(path);
  ASSERT_THAT(video.end, IsOk());
  EXPECT_EQ(video.info.frame_rate, GetParam());
  EXPECT_EQ(video.info.num_frames, 48);
  ASSERT_EQ(video.frames.size(), 48u);
  for (int64_t i = 0; i < 48; ++i) {
    // Frame i begins at i / rate seconds, as an equation of integers.
    const VideoFrame& frame = video.frames[static_cast<size_t>(i)];
    EXPECT_EQ(frame.pts * video.info.time_base.num * GetParam().num,
              i * GetParam().den * video.info.time_base.den)
        << "frame " << i;
  }
}

TEST(VideoWriter, KeepsTimeStampsOfAVariableRate) {
  const std::string path = TempPath("variable.mp4");
  VideoWriterOptions options = Sized(cv::Size(32, 32));
  options.time_base = Rational{1, 90000};
  auto writer = VideoWriter::Create(path, options);
  ASSERT_THAT(writer, IsOk());
  std::vector<int64_t> written;
  int64_t pts = 0;
  for (int i = 0; i < 30; ++i) {
    const int64_t duration = 1000 + 977 * (i * i % 7);
    ASSERT_THAT(
        (*writer)->WriteAt(NumberedFrame(cv::Size(32, 32), i), pts, duration),
        IsOk());
    written.push_back(pts);
    pts += duration;
  }
  EXPECT_THAT((*writer)->WriteAt(NumberedFrame(cv::Size(32, 32), 0), 5, 1),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("must rise")));
  ASSERT_THAT((*writer)->Finish(), IsOk());

  const ReadVideo video = ReadAll(path);
  EXPECT_EQ(Indices(video), Range(30));
  std::vector<int64_t> read;
  for (const VideoFrame& frame : video.frames) {
    read.push_back(frame.pts * 90000 * video.info.time_base.num /
                   video.info.time_base.den);
  }
  EXPECT_EQ(read, written);
  ASSERT_TRUE(video.info.duration.has_value());
  EXPECT_NEAR(*video.info.duration, static_cast<double>(pts) / 90000, 1e-9);
}

TEST(VideoWriter, PadsOddSizesByRepeatingTheBorder) {
  const std::string path = TempPath("odd.mp4");
  WriteNumberedVideo(path, cv::Size(45, 33), 3);
  const ReadVideo video = ReadAll(path);
  ASSERT_THAT(Indices(video), ElementsAre(0, 1, 2));
  const cv::Mat rgb = video.frames[2].rgb;
  ASSERT_EQ(rgb.size(), cv::Size(46, 34));
  // Coding noise next to the picture's edges reaches 9 levels; padding with
  // black would differ by 40 and more.
  EXPECT_LE(cv::norm(rgb.col(45), rgb.col(44), cv::NORM_INF), 20);
  EXPECT_LE(cv::norm(rgb.row(33), rgb.row(32), cv::NORM_INF), 20);
}

TEST(VideoWriter, GifKeepsOddSizesAndTimesToAHundredth) {
  const std::string path = TempPath("odd.gif");
  WriteNumberedVideo(path, cv::Size(45, 33), 31, Rational{30, 1});
  const ReadVideo video = ReadAll(path);
  ASSERT_THAT(video.end, IsOk());
  EXPECT_EQ(Indices(video), Range(31));
  EXPECT_EQ(video.frames[0].rgb.size(), cv::Size(45, 33));
  for (int i = 0; i < 31; ++i) {
    // Each time is rounded for itself, so the errors do not add up.
    const VideoFrame& frame = video.frames[static_cast<size_t>(i)];
    EXPECT_NEAR(static_cast<double>(frame.pts) * video.info.time_base.value(),
                i / 30.0, 0.005 + 1e-9);
  }
}

// Both repeat, so that it is seen how long they rest on the last frame.
TEST(VideoWriter, GifAndWebpShowTheLastFrameAsLongAsAnyOther) {
  for (const char* ending : {".gif", ".webp"}) {
    const std::string path = TempPath(absl::StrCat("rests", ending));
    VideoWriterOptions options = Sized(cv::Size(32, 32));
    options.time_base = Rational{1, 100};
    auto writer = VideoWriter::Create(path, options);
    ASSERT_THAT(writer, IsOk());
    for (int i = 0; i < 4; ++i) {
      ASSERT_THAT((*writer)->WriteAt(NumberedFrame(cv::Size(32, 32), i), 10 * i,
                                     i < 3 ? 10 : 200),
                  IsOk());
    }
    ASSERT_THAT((*writer)->Finish(), IsOk());
    auto source = OpenFrameSource(path);
    ASSERT_THAT(source, IsOk());
    std::vector<double> seconds;
    for (int i = 0; i < 4; ++i) {
      const auto frame = (*source)->Next();
      ASSERT_THAT(frame, IsOk());
      ASSERT_TRUE(frame->has_value());
      seconds.push_back(static_cast<double>((*frame)->duration) *
                        (*source)->info().time_base.value());
    }
    EXPECT_THAT(seconds, ElementsAre(0.1, 0.1, 0.1, 2)) << path;
  }
}

TEST(VideoWriter, GifLeavesOutFramesThatPlayersWouldSlowDown) {
  const std::string path = TempPath("fast.gif");
  WriteNumberedVideo(path, cv::Size(32, 32), 40, Rational{100, 1});
  const ReadVideo video = ReadAll(path);
  ASSERT_THAT(video.end, IsOk());
  ASSERT_EQ(video.frames.size(), 20u);
  EXPECT_EQ(FrameIndex(video.frames[19].rgb), 38);
}

TEST(VideoWriter, SaysHowManyFramesAGifLeavesOut) {
  const std::string path = TempPath("faster.gif");
  VideoWriterOptions options = Sized(cv::Size(32, 32));
  options.frame_rate = Rational{100, 1};
  auto writer = VideoWriter::Create(path, options);
  ASSERT_THAT(writer, IsOk());
  for (int i = 0; i < 5; ++i) {
    ASSERT_THAT((*writer)->Write(NumberedFrame(cv::Size(32, 32), i)), IsOk());
  }
  ASSERT_THAT((*writer)->Finish(), IsOk());
  EXPECT_THAT((*writer)->warnings(),
              ElementsAre(AllOf(HasSubstr(path), HasSubstr("; 2 are left out"),
                                HasSubstr(".mp4 keeps them, .webp"))));
}

TEST(VideoWriter, WritesASinglePixel) {
  const std::string path = TempPath("pixel.mp4");
  WriteNumberedVideo(path, cv::Size(1, 1), 2);
  EXPECT_EQ(ReadAll(path).frames.size(), 2u);
}

TEST(VideoWriter, KeepsColours) {
  const std::string path = TempPath("colours.mp4");
  const std::vector<cv::Scalar> colours = {
      {255, 0, 0}, {0, 255, 0},     {0, 0, 255},     {255, 255, 255},
      {0, 0, 0},   {128, 128, 128}, {230, 180, 150}, {20, 60, 90}};
  auto writer = VideoWriter::Create(path, Sized(cv::Size(64, 64)));
  ASSERT_THAT(writer, IsOk());
  for (const cv::Scalar& colour : colours) {
    ASSERT_THAT((*writer)->Write(cv::Mat(64, 64, CV_8UC3, colour)), IsOk());
  }
  ASSERT_THAT((*writer)->Finish(), IsOk());
  const ReadVideo video = ReadAll(path);
  ASSERT_EQ(video.frames.size(), colours.size());
  for (size_t i = 0; i < colours.size(); ++i) {
    const cv::Mat expected(64, 64, CV_8UC3, colours[i]);
    // Half a step of the 219 luma levels is 0.6, of the 224 chroma levels times
    // BT.709's largest weight (1.86) 1.1 levels of 255; the quantiser of crf 18
    // shifts flat areas by another step. A wrong matrix or range costs 10.
    EXPECT_LE(cv::norm(video.frames[i].rgb, expected, cv::NORM_INF), 4)
        << "colour " << i;
  }
}

TEST(VideoWriter, WritesAnAviWhateverTheUnitOfTimes) {
  for (const Rational time_base :
       {Rational{1, 90000}, Rational{1, 1000}, Rational{1, 10240}}) {
    const std::string path = TempPath("units.avi");
    VideoWriterOptions options = Sized(cv::Size(64, 48));
    options.frame_rate = {30, 1};
    options.time_base = time_base;
    auto writer = VideoWriter::Create(path, options);
    ASSERT_THAT(writer, IsOk());
    for (int64_t i = 0; i < 15; ++i) {
      const int64_t pts = i * time_base.den / 30;
      ASSERT_THAT((*writer)->WriteAt(
                      NumberedFrame(cv::Size(64, 48), static_cast<int>(i)), pts,
                      (i + 1) * time_base.den / 30 - pts),
                  IsOk());
    }
    ASSERT_THAT((*writer)->Finish(), IsOk());
    const ReadVideo video = ReadAll(path);
    ASSERT_THAT(video.end, IsOk());
    EXPECT_EQ(Indices(video), Range(15));
    EXPECT_EQ(video.info.frame_rate, (Rational{30, 1}));
    EXPECT_EQ(video.info.num_frames, 15);
  }
}

// The 16 colours of patches-bt709.mp4, as an AVI says nothing of its matrix.
TEST(VideoWriter, KeepsColoursInAnAvi) {
  const cv::Mat patches =
      ReadAll(absl::StrCat(kTestdata, "patches-bt709.mp4")).frames.at(0).rgb;
  const std::string path = TempPath("patches.avi");
  auto writer = VideoWriter::Create(path, Sized(patches.size()));
  ASSERT_THAT(writer, IsOk());
  ASSERT_THAT((*writer)->Write(patches), IsOk());
  ASSERT_THAT((*writer)->Finish(), IsOk());
  const cv::Mat read = ReadAll(path).frames.at(0).rgb;
  for (int i = 0; i < 16; ++i) {
    const auto patch = [i](const cv::Mat& image) {
      const int side = image.cols / 4;
      return cv::mean(
          image(cv::Rect(i % 4 * side + side / 4, i / 4 * side + side / 4,
                         side / 2, side / 2)));
    };
    // MPEG-4's quantiser shifts flat areas by a few levels; a wrong matrix
    // costs up to 23.
    EXPECT_LE(cv::norm(patch(read), patch(patches), cv::NORM_INF), 6) << i;
  }
}

// Seconds of the first frame or sound, by the packets of `path`.
double FirstSeconds(const std::string& path, AVMediaType type) {
  const auto input = OpenInput({path});
  EXPECT_THAT(input, IsOk());
  EXPECT_THAT(FindStreams(input->get(), path), IsOk());
  const int index = av_find_best_stream(input->get(), type, -1, -1, nullptr, 0);
  const PacketPtr packet(av_packet_alloc());
  double first = INFINITY;
  while (index >= 0 && av_read_frame(input->get(), packet.get()) >= 0) {
    if (packet->stream_index == index) {
      first = std::min(first, static_cast<double>(packet->pts) *
                                  av_q2d((*input)->streams[index]->time_base));
    }
    av_packet_unref(packet.get());
  }
  return first;
}

// A recording of a broadcast, whose first frame is at 36001.4 s, and one whose
// clock wraps, so that its times run from -1 s on.
TEST(VideoWriter, BeginsAtZeroWhateverTheClockOfTheSource) {
  for (const char* name : {"starts-at-10-hours.ts", "clock-wraps.ts"}) {
    const std::string source = absl::StrCat(kTestdata, name);
    const ReadVideo given = ReadAll(source);
    ASSERT_THAT(given.end, IsOk());
    for (const char* ending : {".mp4", ".mov", ".mkv", ".webm"}) {
      const std::string path = TempPath(absl::StrCat("zero", ending));
      VideoWriterOptions options =
          Sized(cv::Size(given.info.width, given.info.height));
      options.frame_rate = given.info.frame_rate;
      options.time_base = given.info.time_base;
      options.start_at_zero = true;
      if (given.info.has_audio) options.audio_from = source;
      auto writer = VideoWriter::Create(path, options);
      ASSERT_THAT(writer, IsOk());
      for (const VideoFrame& frame : given.frames) {
        ASSERT_THAT((*writer)->WriteAt(frame.rgb, frame.pts, frame.duration),
                    IsOk());
      }
      ASSERT_THAT((*writer)->Finish(), IsOk());
      const ReadVideo written = ReadAll(path);
      EXPECT_THAT(written.end, IsOk());
      EXPECT_EQ(written.frames.size(), given.frames.size()) << path;
      const double video = FirstSeconds(path, AVMEDIA_TYPE_VIDEO);
      const double sound = FirstSeconds(path, AVMEDIA_TYPE_AUDIO);
      // Containers round to milliseconds; sound may have its priming.
      EXPECT_NEAR(std::min(video, std::max(sound, 0.0)), 0, 0.03) << path;
      if (options.audio_from.empty() || std::isinf(sound)) continue;
      const double distance = FirstSeconds(source, AVMEDIA_TYPE_VIDEO) -
                              FirstSeconds(source, AVMEDIA_TYPE_AUDIO);
      // Opus, which webm needs, begins 6.5 ms early by design, and FFmpeg 5.1
      // moves the frames by as much.
      const double tolerance = ending == std::string(".webm") ? 0.015 : 2e-3;
      EXPECT_NEAR(video - sound, distance, tolerance) << path;
    }
  }
}

TEST(VideoWriter, PutsTheIndexInFrontAndStoresTheComment) {
  const std::string path = TempPath("web.mp4");
  VideoWriterOptions options = Sized(cv::Size(32, 32));
  options.comment = "synthetic: made from portrait.png";
  auto writer = VideoWriter::Create(path, options);
  ASSERT_THAT(writer, IsOk());
  ASSERT_THAT((*writer)->Write(NumberedFrame(cv::Size(32, 32), 0)), IsOk());
  ASSERT_THAT((*writer)->Finish(), IsOk());
  const std::string bytes = Contents(path);
  EXPECT_LT(bytes.find("moov"), bytes.find("mdat"));
  EXPECT_THAT(bytes, HasSubstr(options.comment));
  EXPECT_THAT(ReadComment(path), IsOkAndHolds(options.comment));
}

TEST(VideoWriter, StoresTheCommentInAGif) {
  const std::string path = TempPath("commented.gif");
  VideoWriterOptions options = Sized(cv::Size(32, 32));
  // More than one block of 255 bytes.
  options.comment = "synthetic: " + std::string(300, 'x');
  auto writer = VideoWriter::Create(path, options);
  ASSERT_THAT(writer, IsOk());
  for (int i = 0; i < 3; ++i) {
    ASSERT_THAT((*writer)->Write(NumberedFrame(cv::Size(32, 32), i)), IsOk());
  }
  ASSERT_THAT((*writer)->Finish(), IsOk());
  EXPECT_THAT(Contents(path), HasSubstr(options.comment.substr(0, 255)));
  EXPECT_EQ(ReadAll(path).frames.size(), 3u);
}

// A number of `bytes` bytes at `at`, the lowest first.
int64_t NumberAt(const std::string& text, size_t at, int bytes) {
  int64_t number = 0;
  for (int i = bytes - 1; i >= 0; --i) {
    number = 256 * number + static_cast<uint8_t>(text.at(at + i));
  }
  return number;
}

struct WebpFrame {
  int64_t milliseconds;
  cv::Size size;
  std::string still;  // the frame as a picture's file
};

// The frames of an animated WebP, whose "ANIM" says that it repeats for ever.
std::vector<WebpFrame> WebpFrames(const std::string& file) {
  std::vector<WebpFrame> frames;
  bool repeats = false;
  for (size_t at = 12; at + 8 <= file.size();) {
    const std::string name = file.substr(at, 4);
    const auto size = static_cast<size_t>(NumberAt(file, at + 4, 4));
    const size_t data = at + 8;
    if (name == "ANIM") repeats = NumberAt(file, data + 4, 2) == 0;
    if (name == "ANMF") {
      std::string riff = "RIFF....WEBP" + file.substr(data + 16, size - 16);
      const auto bytes = static_cast<uint32_t>(riff.size() - 8);
      for (int i = 0; i < 4; ++i) {
        riff[4 + i] = static_cast<char>(bytes >> (8 * i));
      }
      frames.push_back(
          {NumberAt(file, data + 12, 3),
           cv::Size(static_cast<int>(NumberAt(file, data + 6, 3)) + 1,
                    static_cast<int>(NumberAt(file, data + 9, 3)) + 1),
           riff});
    }
    at = data + size + size % 2;
  }
  EXPECT_TRUE(repeats);
  return frames;
}

TEST(VideoWriter, WebpIsAnAnimationThatRepeats) {
  const std::string path = TempPath("odd.webp");
  const cv::Size size(45, 33);
  const std::vector<cv::Scalar> colours = {
      {255, 0, 0}, {20, 60, 90}, {230, 180, 150}};
  VideoWriterOptions options = Sized(size);
  options.time_base = Rational{1, 1000};
  options.comment = "synthetic";
  auto writer = VideoWriter::Create(path, options);
  ASSERT_THAT(writer, IsOk());
  const int64_t times[] = {0, 30, 130};
  for (size_t i = 0; i < colours.size(); ++i) {
    ASSERT_THAT(
        (*writer)->WriteAt(cv::Mat(size, CV_8UC3, colours[i]), times[i], 400),
        IsOk());
  }
  ASSERT_THAT((*writer)->Finish(), IsOk());
  const std::string file = Contents(path);
  EXPECT_THAT(file, HasSubstr(">synthetic<"));
  EXPECT_EQ(NumberAt(file, 4, 4), static_cast<int64_t>(file.size()) - 8);
  const std::vector<WebpFrame> frames = WebpFrames(file);
  ASSERT_EQ(frames.size(), 3u);
  EXPECT_EQ(frames[0].milliseconds, 30);
  EXPECT_EQ(frames[1].milliseconds, 100);
  EXPECT_EQ(frames[2].milliseconds, 400);
  for (size_t i = 0; i < frames.size(); ++i) {
    EXPECT_EQ(frames[i].size, size);
    const auto still = DecodeImage(frames[i].still, path);
    ASSERT_THAT(still, IsOk());
    // Colours of 4:2:0 with limited range are off by some steps.
    EXPECT_LE(
        cv::norm(*still, cv::Mat(size, CV_8UC3, colours[i]), cv::NORM_INF), 6);
  }
}

// Of which libwebp makes a still.
TEST(VideoWriter, WebpOfEqualFramesIsAPictureWithItsComment) {
  const std::string path = TempPath("equal.webp");
  VideoWriterOptions options = Sized(cv::Size(45, 33));
  options.comment = "synthetic";
  auto writer = VideoWriter::Create(path, options);
  ASSERT_THAT(writer, IsOk());
  const cv::Mat frame(33, 45, CV_8UC3, cv::Scalar(20, 60, 90));
  for (int i = 0; i < 3; ++i) ASSERT_THAT((*writer)->Write(frame), IsOk());
  ASSERT_THAT((*writer)->Finish(), IsOk());
  EXPECT_THAT(Contents(path), HasSubstr(">synthetic<"));
  const auto still = ReadImage(path);
  ASSERT_THAT(still, IsOk());
  ASSERT_EQ(still->size(), frame.size());
  EXPECT_LE(cv::norm(*still, frame, cv::NORM_INF), 6);
}

TEST(VideoWriter, WebpKeepsAlpha) {
  const std::string path = TempPath("alpha.webp");
  VideoWriterOptions options = Sized(cv::Size(32, 32));
  options.with_alpha = true;
  auto writer = VideoWriter::Create(path, options);
  ASSERT_THAT(writer, IsOk());
  for (const int alpha : {128, 255}) {
    cv::Mat rgba(32, 32, CV_8UC4, cv::Scalar(200, 100, 50, 255));
    rgba.rowRange(0, 16).setTo(cv::Scalar(200, 100, 50, alpha));
    ASSERT_THAT((*writer)->Write(rgba), IsOk());
  }
  ASSERT_THAT((*writer)->Finish(), IsOk());
  const std::string file = Contents(path);
  EXPECT_EQ(file.substr(12, 4), "VP8X");
  constexpr int kAlphaAndAnimation = 0x12;
  EXPECT_EQ(NumberAt(file, 20, 1), kAlphaAndAnimation);
  EXPECT_EQ(WebpFrames(file).size(), 2u);
}

TEST(VideoWriter, WebpLeavesOutFramesThatBrowsersWouldSlowDown) {
  const std::string path = TempPath("fast.webp");
  VideoWriterOptions options = Sized(cv::Size(32, 32));
  options.frame_rate = Rational{120, 1};
  auto writer = VideoWriter::Create(path, options);
  ASSERT_THAT(writer, IsOk());
  for (int i = 0; i < 12; ++i) {
    ASSERT_THAT((*writer)->Write(NumberedFrame(cv::Size(32, 32), i)), IsOk());
  }
  ASSERT_THAT((*writer)->Finish(), IsOk());
  const std::vector<WebpFrame> frames = WebpFrames(Contents(path));
  EXPECT_EQ(frames.size(), 6u);
  for (const WebpFrame& frame : frames) EXPECT_GT(frame.milliseconds, 10);
  EXPECT_THAT((*writer)->warnings(),
              ElementsAre(AllOf(HasSubstr(path), HasSubstr("6 are left out"))));
}

class LongVideo : public testing::TestWithParam<Rational> {};

// Ten minutes: times that were rounded once a frame, or a rate that was rounded
// to a thousandth, would drift by several frames.
TEST_P(LongVideo, EndsWhenItShould) {
  const Rational rate = GetParam();
  const auto num_frames = static_cast<int64_t>(600 * rate.value());
  const std::string path = TempPath("long.mp4");
  VideoWriterOptions options = Sized(cv::Size(16, 16));
  options.frame_rate = rate;
  auto writer = VideoWriter::Create(path, options);
  ASSERT_THAT(writer, IsOk());
  const cv::Mat frame = NumberedFrame(cv::Size(16, 16), 1);
  for (int64_t i = 0; i < num_frames; ++i) {
    ASSERT_THAT((*writer)->Write(frame), IsOk());
  }
  ASSERT_THAT((*writer)->Finish(), IsOk());
  auto reader = VideoReader::Open(path);
  ASSERT_THAT(reader, IsOk());
  EXPECT_EQ((*reader)->info().num_frames, num_frames);
  EXPECT_NEAR(*(*reader)->info().duration, num_frames / rate.value(),
              1e-3 / rate.value());
}

INSTANTIATE_TEST_SUITE_P(Rates, LongVideo,
                         testing::Values(Rational{24000, 1001},
                                         Rational{30000, 1001}));

TEST(VideoWriter, CopiesAudioPacketsByteForByte) {
  const std::string sound = TempPath("sound.m4a");
  WriteSound(sound, 1.5);
  for (const char* name : {"talk.mp4", "talk.mov"}) {
    const std::string path = TempPath(name);
    VideoWriterOptions options = Sized(cv::Size(32, 32));
    options.audio_from = sound;
    auto writer = VideoWriter::Create(path, options);
    ASSERT_THAT(writer, IsOk());
    EXPECT_THAT((*writer)->warnings(), IsEmpty());
    for (int i = 0; i < 38; ++i) {
      ASSERT_THAT((*writer)->Write(NumberedFrame(cv::Size(32, 32), i)), IsOk());
    }
    ASSERT_THAT((*writer)->Finish(), IsOk());

    const std::vector<SoundPacket> copied = SoundPackets(path);
    const std::vector<SoundPacket> original = SoundPackets(sound);
    EXPECT_GT(original.size(), 20u);
    EXPECT_TRUE(copied == original) << name;
    const ReadVideo video = ReadAll(path);
    EXPECT_THAT(video.end, IsOk());
    EXPECT_EQ(Indices(video), Range(38));
    EXPECT_TRUE(video.info.has_audio);
  }
}

TEST(VideoWriter, SaysWhyTheOutputIsSilent) {
  const std::string mute = TempPath("mute.mp4");
  WriteNumberedVideo(mute, cv::Size(32, 32), 2);
  VideoWriterOptions options = Sized(cv::Size(32, 32));
  options.audio_from = mute;
  auto writer = VideoWriter::Create(TempPath("silent.mp4"), options);
  ASSERT_THAT(writer, IsOk());
  EXPECT_THAT((*writer)->warnings(), ElementsAre(HasSubstr("has no audio")));

  const std::string sound = TempPath("of a film.wav");
  WriteSound(sound, 0.2);
  options.audio_from = sound;
  writer = VideoWriter::Create(TempPath("silent.gif"), options);
  ASSERT_THAT(writer, IsOk());
  EXPECT_THAT((*writer)->warnings(),
              ElementsAre(AllOf(HasSubstr("gif"), HasSubstr(sound),
                                HasSubstr("is left out"))));

  options.audio_from = TempPath("absent.mp4");
  EXPECT_THAT(VideoWriter::Create(TempPath("silent.mp4"), options),
              StatusIs(StatusCode::kNotFound, HasSubstr("absent.mp4")));
}

// Writes 38 frames (1.52 s) with the sound of `sound`; what is warned of.
std::vector<std::string> WriteWithSound(const std::string& path,
                                        const std::string& sound) {
  VideoWriterOptions options = Sized(cv::Size(32, 32));
  options.audio_from = sound;
  auto writer = VideoWriter::Create(path, options);
  EXPECT_THAT(writer, IsOk());
  if (!writer.ok()) return {};
  for (int i = 0; i < 38; ++i) {
    EXPECT_THAT((*writer)->Write(NumberedFrame(cv::Size(32, 32), i)), IsOk());
  }
  EXPECT_THAT((*writer)->Finish(), IsOk());
  return (*writer)->warnings();
}

// What a format cannot hold is encoded anew: the same tone, of the same length,
// at the same time.
TEST(VideoWriter, EncodesSoundAnewWhereItHasTo) {
  const std::string pcm = TempPath("tone.wav"), aac = TempPath("tone.m4a");
  WriteSound(pcm, 1.5);
  WriteSound(aac, 1.5);
  const std::tuple<const char*, std::string, const char*> kCases[] = {
      {".mp4", pcm, "aac"}, {".webm", pcm, "opus"}, {".webm", aac, "opus"}};
  for (const auto& [ending, from, codec] : kCases) {
    const std::string path = TempPath(absl::StrCat("anew", ending));
    EXPECT_THAT(WriteWithSound(path, from),
                ElementsAre(AllOf(HasSubstr(from), HasSubstr(codec),
                                  HasSubstr("encoded anew"))));
    const Sound sound = ReadSound(path);
    EXPECT_EQ(sound.rate, codec == std::string("aac") ? 16000 : 48000);
    // Codecs begin and end with whole frames, at most 64 ms of AAC.
    EXPECT_NEAR(static_cast<double>(sound.samples.size()) / sound.rate, 1.5,
                0.13)
        << path;
    EXPECT_NEAR(sound.begin, 0, 0.07) << path;
    // The tone of WriteSound: 0.3 sin(0.1 n) at 16 kHz, 254.6 Hz.
    double squares = 0;
    int crossings = 0;
    const auto begin = static_cast<size_t>(sound.rate / 4);
    const auto end = begin + static_cast<size_t>(sound.rate);
    ASSERT_LT(end, sound.samples.size());
    for (size_t i = begin; i < end; ++i) {
      squares += sound.samples[i] * sound.samples[i];
      crossings += (sound.samples[i] < 0) != (sound.samples[i + 1] < 0);
    }
    EXPECT_NEAR(std::sqrt(squares / sound.rate), 0.3 / std::sqrt(2.0), 0.02)
        << path;
    EXPECT_NEAR(crossings, 2 * 254.6, 4) << path;
    EXPECT_EQ(Indices(ReadAll(path)), Range(38)) << path;
  }
}

TEST(VideoWriter, KeepsSoundInAnAviWithoutLoss) {
  const std::string pcm = TempPath("kept.wav");
  WriteSound(pcm, 1.5);
  const std::string path = TempPath("kept.avi");
  EXPECT_THAT(WriteWithSound(path, pcm), IsEmpty());
  EXPECT_EQ(ReadSound(path).samples, ReadSound(pcm).samples);
}

// AAC begins some samples before 0, for which FFmpeg made room by an empty
// frame.
TEST(VideoWriter, KeepsTheFramesOfAnAviInTheirPlacesBesideSound) {
  const std::string sound = TempPath("early.m4a");
  WriteSound(sound, 1.5);
  const std::string path = TempPath("early.avi");
  WriteWithSound(path, sound);
  const ReadVideo video = ReadAll(path);
  ASSERT_EQ(Indices(video), Range(38));
  for (size_t i = 0; i < video.frames.size(); ++i) {
    EXPECT_EQ(video.frames[i].pts, static_cast<int64_t>(i));
  }
  EXPECT_FALSE(SoundPackets(path).empty());
}

// Languages and titles of all streams in a file.
std::vector<std::string> SoundLanguages(const std::string& path) {
  const auto input = OpenInput({path});
  EXPECT_THAT(input, IsOk());
  std::vector<std::string> languages;
  for (unsigned i = 0; input.ok() && i < (*input)->nb_streams; ++i) {
    const AVStream* stream = (*input)->streams[i];
    if (stream->codecpar->codec_type != AVMEDIA_TYPE_AUDIO) continue;
    const AVDictionaryEntry* language =
        av_dict_get(stream->metadata, "language", nullptr, 0);
    languages.push_back(language == nullptr ? "" : language->value);
  }
  return languages;
}

TEST(VideoWriter, KeepsEveryTrackAndItsLanguage) {
  const std::string one = TempPath("ita.m4a"), two = TempPath("spa.m4a");
  WriteSound(one, 1.5);
  WriteSound(two, 1.0);
  const std::string both = TempPath("both.mkv");
  MergeSound({one, two}, {"ita", "spa"}, both);
  for (const char* ending : {".mp4", ".mkv", ".mov", ".webm"}) {
    const std::string path = TempPath(absl::StrCat("tracks", ending));
    WriteWithSound(path, both);
    EXPECT_THAT(SoundLanguages(path), ElementsAre("ita", "spa")) << path;
  }
}

// QuickTime's own names of them.
TEST(VideoWriter, KeepsLanguagesOfAMovUnderOtherNames) {
  const std::string one = TempPath("one.m4a");
  WriteSound(one, 0.2);
  const std::string both = TempPath("named.mkv");
  MergeSound({one, one, one, one}, {"fre", "swe", "hrv", "nob"}, both);
  const std::string path = TempPath("named.mov");
  WriteWithSound(path, both);
  EXPECT_THAT(SoundLanguages(path), ElementsAre("fra", "sve", "hr ", "nor"));
  const std::string back = TempPath("renamed.mp4");
  WriteWithSound(back, path);
  EXPECT_THAT(SoundLanguages(back), ElementsAre("fra", "swe", "hrv", "nor"));
}

// Writes `frames` frames from `begin` on, one each `period`, both in
// milliseconds, at a rate of 25 a second, with the sound of `sound`, so that
// what is first begins at 0; what is warned of.
std::vector<std::string> WriteFrom(int64_t begin, int frames,
                                   const std::string& sound,
                                   const std::string& path,
                                   int64_t period = 40) {
  VideoWriterOptions options = Sized(cv::Size(32, 32));
  options.audio_from = sound;
  options.start_at_zero = true;
  options.time_base = Rational{1, 1000};
  auto writer = VideoWriter::Create(path, options);
  EXPECT_THAT(writer, IsOk());
  if (!writer.ok()) return {};
  for (int i = 0; i < frames; ++i) {
    EXPECT_THAT((*writer)->WriteAt(NumberedFrame(cv::Size(32, 32), i),
                                   begin + period * i, period),
                IsOk());
  }
  EXPECT_THAT((*writer)->Finish(), IsOk());
  return (*writer)->warnings();
}

// Of 0.128 s at 8 kHz, before 0.
TEST(VideoWriter, TakesAnEncodersDelayForNoSound) {
  const std::string sound = TempPath("slow.m4a");
  WriteSound(sound, 0.5, /*rate=*/8000);
  const std::string path = TempPath("slow.mp4");
  EXPECT_THAT(WriteFrom(/*begin=*/0, 10, sound, path), IsEmpty());
  EXPECT_EQ(FirstSeconds(path, AVMEDIA_TYPE_VIDEO), 0);
}

TEST(VideoWriter, SaysWhatAnAviHasOutOfStep) {
  const std::string sound = TempPath("step.wav");
  WriteSound(sound, 1.5);
  const std::string path = TempPath("step.avi");
  const std::string later = TempPath("later.mkv");
  Remux(sound, later, /*seconds_later=*/1, {1, 16000});
  EXPECT_THAT(WriteFrom(/*begin=*/700, 20, later, path),
              ElementsAre(HasSubstr("its sound is 0.30 s early")));
  // Frames later than the sound by 4.25 places, of which the first is shown
  // from the beginning on.
  EXPECT_THAT(WriteFrom(/*begin=*/1170, 20, later, path), IsEmpty());
  const ReadVideo video = ReadAll(path);
  ASSERT_EQ(Indices(video), Range(20));
  EXPECT_EQ(video.frames[0].pts, 0);
  EXPECT_EQ(video.frames[1].pts, 5);
  EXPECT_EQ(video.frames[19].pts, 23);
  // Each frame takes a place of 40 ms.
  EXPECT_THAT(WriteFrom(/*begin=*/0, 20, sound, path, /*period=*/10),
              ElementsAre(HasSubstr("the sound is 0.57 s early")));
  EXPECT_THAT(WriteFrom(/*begin=*/0, 20, sound, path, /*period=*/39),
              IsEmpty());
  const std::string both = TempPath("two begins.mkv");
  MergeSound({sound, later}, {"deu", "eng"}, both);
  EXPECT_THAT(WriteFrom(/*begin=*/0, 20, both, path),
              ElementsAre(HasSubstr("track 2 of its sound is 1.00 s early")));
}

// AAC at 8 kHz has a delay of 0.128 s, that is of 3.2 places.
TEST(VideoWriter, HoldsFramesBackForAnEncodersDelayThatAnAviPlays) {
  const std::string sound = TempPath("delayed.m4a");
  WriteSound(sound, 0.5, /*rate=*/8000);
  const std::string path = TempPath("delayed.avi");
  EXPECT_THAT(WriteFrom(/*begin=*/0, 10, sound, path), IsEmpty());
  const ReadVideo video = ReadAll(path);
  ASSERT_EQ(Indices(video), Range(10));
  EXPECT_EQ(video.frames[1].pts, 4);
}

// Without what the decoder is told at the beginning.
TEST(VideoWriter, NamesTheSoundThatTheMuxerRefuses) {
  const std::string sound = TempPath("damaged.m4a");
  WriteSound(sound, 0.5);
  std::string m4a = *networks::files::ReadFile(sound);
  // [ISO 14496-1, 7.2.6.5] The descriptor of the stream: tag 3, its length.
  const size_t descriptor = m4a.find("\x03\x80\x80\x80", m4a.find("esds"));
  ASSERT_NE(descriptor, std::string::npos);
  m4a[descriptor] = '\xff';
  ASSERT_THAT(WriteAtomically(sound, m4a), IsOk());
  VideoWriterOptions options;
  options.width = options.height = 16;
  options.audio_from = sound;
  const auto writer = VideoWriter::Create(TempPath("refused.mkv"), options);
  absl::Status status = writer.status();
  if (status.ok()) {
    status = (*writer)->Write(NumberedFrame(cv::Size(16, 16), 1));
  }
  if (status.ok()) status = (*writer)->Finish();
  EXPECT_THAT(status, StatusIs(StatusCode::kInvalidArgument, HasSubstr(sound)));
}

// Where frames are lost at an end, the sound of their time is left out, too.
TEST(VideoWriter, CutsTheSoundToTheFrames) {
  const std::string sound = TempPath("long.m4a");
  WriteSound(sound, 3);
  const std::string path = TempPath("cut sound.mkv");
  VideoWriterOptions options = Sized(cv::Size(32, 32));
  options.audio_from = sound;
  options.start_at_zero = true;
  auto writer = VideoWriter::Create(path, options);
  ASSERT_THAT(writer, IsOk());
  (*writer)->CutSoundToFrames();
  // From 1 s to 2 s.
  for (int i = 0; i < 25; ++i) {
    ASSERT_THAT(
        (*writer)->WriteAt(NumberedFrame(cv::Size(32, 32), i), 25 + i, 1),
        IsOk());
  }
  ASSERT_THAT((*writer)->Finish(), IsOk());
  const Sound kept = ReadSound(path);
  // A packet of 64 ms may reach over either end.
  EXPECT_NEAR(kept.begin, 0, 0.08);
  EXPECT_NEAR(static_cast<double>(kept.samples.size()) / kept.rate, 1, 0.13);
  EXPECT_NEAR(FirstSeconds(path, AVMEDIA_TYPE_VIDEO), 0, 1e-3);
}

// Writes `frames` frames with the sound that comes out of a pipe.
absl::StatusOr<std::vector<std::string>> WriteWithPipedSound(
    const VideoWriterOptions& options, int frames) {
  ASSIGN_OR_RETURN(const std::unique_ptr<VideoWriter> writer,
                   VideoWriter::Create(TempPath("piped sound.mp4"), options));
  for (int i = 0; i < frames; ++i) {
    RETURN_IF_ERROR(writer->Write(NumberedFrame(cv::Size(32, 32), i)));
  }
  RETURN_IF_ERROR(writer->Finish());
  return writer->warnings();
}

// An m4a whose index is at its end cannot be read from a pipe that is longer
// than the buffer: no packet of it.
TEST(VideoWriter, AllowsSoundThatIsDamagedAtItsBeginning) {
  const std::string sound = TempPath("index behind.m4a");
  WriteSound(sound, 60);
  const std::string bytes = *networks::files::ReadFile(sound);
  ASSERT_GT(bytes.size(), size_t{1} << 17);
  const std::string pipe = TempPath("sound");
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  VideoWriterOptions options = Sized(cv::Size(32, 32));
  options.audio_from = pipe;
  options.start_at_zero = true;
  for (const bool allow_damaged : {false, true}) {
    options.allow_damaged_audio = allow_damaged;
    std::thread source([&] { std::ofstream(pipe) << bytes; });
    const auto warnings = WriteWithPipedSound(options, 3);
    source.join();
    if (allow_damaged) {
      EXPECT_THAT(warnings, IsOkAndHolds(ElementsAre(
                                HasSubstr("the sound ends early: " + pipe))));
    } else {
      EXPECT_THAT(warnings, StatusIs(StatusCode::kDataLoss, HasSubstr(pipe)));
    }
  }
}

TEST(VideoWriter, TakesAStopForNoDamageOfTheSound) {
  const std::string sound = TempPath("half.wav"), pipe = TempPath("half");
  WriteSound(sound, 1.5);
  const std::string bytes = *networks::files::ReadFile(sound);
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  // The other half never comes.
  const int source = open(pipe.c_str(), O_RDWR);
  const auto half = static_cast<ssize_t>(bytes.size() / 2);
  ASSERT_EQ(write(source, bytes.data(), static_cast<size_t>(half)), half);
  VideoWriterOptions options = Sized(cv::Size(32, 32));
  options.audio_from = pipe;
  options.allow_damaged_audio = true;
  options.stop = [calls = std::make_shared<int>(0)] { return ++*calls > 1; };
  EXPECT_THAT(WriteWithPipedSound(options, 38),
              StatusIs(StatusCode::kCancelled, HasSubstr(pipe)));
  close(source);
}

// Also what URLs, patterns and texts give a meaning, and what is no UTF-8.
TEST(VideoWriter, TakesAPathOfAnyBytes) {
  const std::string sound = TempPath("\xff:a.m4a");
  WriteSound(sound, 0.5);
  for (const char* name : {"\xff\xfe.mp4", "100%d ?*[a].mkv", "a\nb\t'\"\\.mp4",
                           "http:a,b|c.webm", "-i #1 $HOME.avi"}) {
    const std::string path = TempPath(name);
    WriteWithSound(path, sound);
    const ReadVideo video = ReadAll(path);
    EXPECT_THAT(video.end, IsOk());
    EXPECT_EQ(Indices(video), Range(38));
    EXPECT_TRUE(video.info.has_audio) << path;
  }
}

// Players go by these; without them they guess by the size.
TEST(VideoWriter, StatesItsColours) {
  for (const char* ending : {".mp4", ".mov", ".mkv", ".webm"}) {
    const std::string path = TempPath(absl::StrCat("tagged", ending));
    WriteNumberedVideo(path, cv::Size(32, 32), 2);
    const auto input = OpenInput({path});
    ASSERT_THAT(input, IsOk());
    // What the container states, without a look into the stream.
    const AVCodecParameters& codec = *(*input)->streams[0]->codecpar;
    EXPECT_EQ(codec.color_space, AVCOL_SPC_BT709) << path;
    EXPECT_EQ(codec.color_primaries, AVCOL_PRI_BT709) << path;
    EXPECT_EQ(codec.color_trc, AVCOL_TRC_BT709) << path;
    ASSERT_THAT(FindStreams(input->get(), path), IsOk());
    EXPECT_EQ(codec.color_range, AVCOL_RANGE_MPEG) << path;
  }
}

// FFmpeg takes the word of a ProRes frame for that of its file.
TEST(VideoWriter, StatesItsColoursInProRes) {
  const std::string path = TempPath("tagged alpha.mov");
  VideoWriterOptions options = Sized(cv::Size(32, 32));
  options.with_alpha = true;
  auto writer = VideoWriter::Create(path, options);
  ASSERT_THAT(writer, IsOk());
  const cv::Mat frame(32, 32, CV_8UC4, cv::Scalar(200, 100, 50, 128));
  ASSERT_THAT((*writer)->Write(frame), IsOk());
  ASSERT_THAT((*writer)->Finish(), IsOk());
  const auto input = OpenInput({path});
  ASSERT_THAT(input, IsOk());
  ASSERT_THAT(FindStreams(input->get(), path), IsOk());
  const AVCodecParameters& codec = *(*input)->streams[0]->codecpar;
  EXPECT_EQ(codec.color_primaries, AVCOL_PRI_BT709);
  EXPECT_EQ(codec.color_trc, AVCOL_TRC_BT709);
}

TEST(VideoWriter, LeavesNoFileUnlessFinished) {
  const std::string folder = TempPath("unfinished");
  ASSERT_EQ(mkdir(folder.c_str(), 0755), 0);
  const std::string path = folder + "/film.mp4";
  {
    auto writer = VideoWriter::Create(path, Sized(cv::Size(32, 32)));
    ASSERT_THAT(writer, IsOk());
    ASSERT_THAT((*writer)->Write(NumberedFrame(cv::Size(32, 32), 0)), IsOk());
  }
  EXPECT_EQ(rmdir(folder.c_str()), 0) << "something is left in it";
  ASSERT_EQ(mkdir(folder.c_str(), 0755), 0);
  auto writer = VideoWriter::Create(path, Sized(cv::Size(32, 32)));
  ASSERT_THAT(writer, IsOk());
  EXPECT_THAT((*writer)->Finish(),
              StatusIs(StatusCode::kFailedPrecondition, HasSubstr(path)));
}

TEST(VideoWriter, ReportsAFullDiskAndKeepsWhatWasThere) {
  const std::string path = TempPath("full.mp4");
  WriteNumberedVideo(path, cv::Size(32, 32), 3);
  absl::Status status;
  {
    const networks::files::FullDisk disk(1000);
    auto writer = VideoWriter::Create(path, Sized(cv::Size(32, 32)));
    status = writer.status();
    for (int i = 0; i < 100 && status.ok(); ++i) {
      status = (*writer)->Write(NumberedFrame(cv::Size(32, 32), i));
    }
    if (status.ok()) status = (*writer)->Finish();
  }
  EXPECT_THAT(status,
              StatusIs(StatusCode::kResourceExhausted, HasSubstr(path)));
  EXPECT_EQ(ReadAll(path).frames.size(), 3u);
}

// What such a link led to was overwritten, and the link became the output.
TEST(VideoWriter, FollowsNoLink) {
  const std::string path = TempPath("linked.mp4");
  const std::string victim = TempPath("victim");
  ASSERT_THAT(WriteAtomically(victim, "precious"), IsOk());
  ASSERT_EQ(symlink(victim.c_str(), (path + ".partial").c_str()), 0);
  WriteNumberedVideo(path, cv::Size(32, 32), 3);
  EXPECT_EQ(ReadAll(path).frames.size(), 3u);
  const std::string link = TempPath("link.mp4");
  ASSERT_EQ(symlink(victim.c_str(), link.c_str()), 0);
  EXPECT_THAT(VideoWriter::Create(link, Sized(cv::Size(32, 32))),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("link")));
  EXPECT_EQ(Contents(victim), "precious");
}

TEST(VideoWriter, ReplacesOnlyIfItMay) {
  const std::string path = TempPath("kept.mp4");
  WriteNumberedVideo(path, cv::Size(32, 32), 3);
  VideoWriterOptions options = Sized(cv::Size(32, 32));
  options.overwrite = false;
  EXPECT_THAT(VideoWriter::Create(path, options),
              StatusIs(StatusCode::kAlreadyExists, HasSubstr(path)));
}

TEST(VideoWriter, NamesBadOptionsAndFolders) {
  const VideoWriterOptions good = Sized(cv::Size(32, 32));
  EXPECT_THAT(VideoWriter::Create(TempPath("a.xyz"), good),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("a.xyz")));
  EXPECT_THAT(VideoWriter::Create(TempPath("a.mp4"), Sized(cv::Size(0, 32))),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("0x32")));
  VideoWriterOptions bad_rate = good;
  bad_rate.frame_rate = {0, 1};
  EXPECT_THAT(VideoWriter::Create(TempPath("a.mp4"), bad_rate),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("0/1")));
  EXPECT_THAT(VideoWriter::Create(TempPath("no/folder/a.mp4"), good),
              StatusIs(StatusCode::kNotFound, HasSubstr("no/folder/a.mp4")));
}

}  // namespace
}  // namespace pipelines::media
