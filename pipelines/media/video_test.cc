// VideoWriter and VideoReader, each the other's proof.
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/files/atomic_file.h"
#include "networks/files/read_file.h"
#include "networks/files/testing_full_disk.h"
#include "opencv2/core.hpp"
#include "pipelines/media/ffmpeg_util.h"
#include "pipelines/media/open_input.h"
#include "pipelines/media/video_reader.h"
#include "pipelines/media/video_test_util.h"
#include "pipelines/media/video_writer.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines::media {
namespace {

using ::absl::StatusCode;
using ::networks::files::WriteAtomically;
using ::testing::_;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr char kTestdata[] = "pipelines/media/testdata/video/";

struct ReadVideo {
  VideoInfo info;
  std::vector<VideoFrame> frames;
  absl::Status end;  // OK at the regular end
  std::string damage;
};

ReadVideo ReadAll(const std::string& path,
                  const FrameSourceOptions& options = {}) {
  ReadVideo result;
  auto reader = VideoReader::Open(path, options);
  result.end = reader.status();
  if (!reader.ok()) return result;
  result.info = (*reader)->info();
  while (true) {
    auto frame = (*reader)->Next();
    result.end = frame.status();
    if (!frame.ok() || !*frame) break;
    result.frames.push_back(**frame);
  }
  result.damage = (*reader)->damage();
  return result;
}

std::vector<int> Indices(const ReadVideo& video) {
  std::vector<int> indices;
  for (const VideoFrame& frame : video.frames) {
    indices.push_back(FrameIndex(frame.rgb));
  }
  return indices;
}

std::vector<int> Range(int n) {
  std::vector<int> range(static_cast<size_t>(n));
  for (int i = 0; i < n; ++i) range[static_cast<size_t>(i)] = i;
  return range;
}

std::string Contents(const std::string& path) {
  const auto bytes = networks::files::ReadFile(path);
  EXPECT_THAT(bytes, IsOk());
  return bytes.value_or("");
}

VideoWriterOptions Sized(cv::Size size) {
  VideoWriterOptions options;
  options.width = size.width;
  options.height = size.height;
  return options;
}

class EveryFormat : public testing::TestWithParam<const char*> {
 protected:
  std::string Path(const std::string& stem) {
    return TempPath(stem + GetParam());
  }
};

INSTANTIATE_TEST_SUITE_P(Endings, EveryFormat,
                         testing::Values(".mp4", ".mov", ".mkv", ".avi",
                                         ".webm", ".gif"),
                         [](const auto& info) { return info.param + 1; });

TEST_P(EveryFormat, IsReadAsItWasWritten) {
  const std::string path = Path("Größe: ein Film mit #1");
  WriteNumberedVideo(path, cv::Size(96, 64), 40);
  const ReadVideo video = ReadAll(path);
  ASSERT_THAT(video.end, IsOk());
  EXPECT_EQ(Indices(video), Range(40));
  EXPECT_EQ(video.info.width, 96);
  EXPECT_EQ(video.info.height, 64);
  EXPECT_EQ(video.info.frame_rate, (Rational{25, 1}));
  EXPECT_FALSE(video.info.has_audio);
  EXPECT_THAT(CountFrames(path), IsOkAndHolds(40));
}

TEST_P(EveryFormat, HoldsASingleFrame) {
  const std::string path = Path("single");
  WriteNumberedVideo(path, cv::Size(32, 32), 1);
  EXPECT_THAT(Indices(ReadAll(path)), ElementsAre(0));
  EXPECT_THAT(CountFrames(path), IsOkAndHolds(1));
}

// The law of video_reader.h, first part: a shorter file is never a shorter
// video. The cuts are spread over the file, the last takes a single byte.
TEST_P(EveryFormat, TruncatedAnywhereIsAnError) {
  const std::string path = Path("whole"), cut_path = Path("cut");
  WriteNumberedVideo(path, cv::Size(96, 64), 40);
  const std::string whole = Contents(path);
  for (size_t part = 1; part <= 16; ++part) {
    const size_t size = part < 16 ? whole.size() * part / 16 : whole.size() - 1;
    ASSERT_THAT(WriteAtomically(cut_path, whole.substr(0, size)), IsOk());
    const ReadVideo video = ReadAll(cut_path);
    EXPECT_THAT(video.end.message(), HasSubstr(cut_path))
        << size << " of " << whole.size() << " bytes";
    EXPECT_FALSE(CountFrames(cut_path).ok()) << size << " bytes";
  }
}

// Second part: damage inside is an error, or (where it hits what only changes
// colours) all frames come. Places spread over the file are overwritten one
// after the other; in a GIF most of them only change colours.
TEST_P(EveryFormat, DamagedAnywhereIsNeverAShorterVideo) {
  const std::string path = Path("sound"), bent_path = Path("bent");
  WriteNumberedVideo(path, cv::Size(96, 64), 40);
  const std::string sound = Contents(path);
  int num_found = 0;
  for (size_t part = 1; part < 24; ++part) {
    std::string bent = sound;
    const size_t at = sound.size() * part / 24;
    for (size_t i = at; i < at + 8 && i < bent.size(); ++i) bent[i] ^= 0x5a;
    ASSERT_THAT(WriteAtomically(bent_path, bent), IsOk());
    const ReadVideo video = ReadAll(bent_path);
    if (video.end.ok()) {
      EXPECT_EQ(video.frames.size(), 40u) << "byte " << at;
    } else {
      ++num_found;
      EXPECT_THAT(video.end.message(), HasSubstr(bent_path));
    }
  }
  // Nearly all of a GIF is colours without any checksum.
  if (GetParam() != std::string(".gif")) {
    EXPECT_GT(num_found, 0);
  }
}

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

TEST(VideoWriter, GifLeavesOutFramesThatPlayersWouldSlowDown) {
  const std::string path = TempPath("fast.gif");
  WriteNumberedVideo(path, cv::Size(32, 32), 40, Rational{100, 1});
  const ReadVideo video = ReadAll(path);
  ASSERT_THAT(video.end, IsOk());
  ASSERT_EQ(video.frames.size(), 20u);
  EXPECT_EQ(FrameIndex(video.frames[19].rgb), 38);
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

// As a server does, which has no file.
TEST_P(EveryFormat, IsWrittenIntoAnOpenFile) {
  const int descriptor = memfd_create("answer", MFD_CLOEXEC);
  ASSERT_GE(descriptor, 0);
  VideoWriterOptions options = Sized(cv::Size(32, 32));
  options.descriptor = descriptor;
  options.comment = "synthetic";
  const std::string name = std::string("answer") + GetParam();
  auto writer = VideoWriter::Create(name, options);
  ASSERT_THAT(writer, IsOk());
  for (int i = 0; i < 5; ++i) {
    ASSERT_THAT((*writer)->Write(NumberedFrame(cv::Size(32, 32), i)), IsOk());
  }
  ASSERT_THAT((*writer)->Finish(), IsOk());
  EXPECT_NE(access(name.c_str(), F_OK), 0);
  const auto bytes = std::make_shared<const std::string>(
      Contents(absl::StrCat("/proc/self/fd/", descriptor)));
  close(descriptor);
  const auto reader = VideoReader::OpenBytes(bytes, name);
  ASSERT_THAT(reader, IsOk());
  for (int i = 0; i < 5; ++i) {
    const auto frame = (*reader)->Next();
    ASSERT_TRUE(frame.ok() && frame->has_value()) << frame.status();
    EXPECT_EQ(FrameIndex((*frame)->rgb), i);
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

// mp4 stores the rotation as a matrix in the track header: 16.16 fixed point,
// 40 bytes behind the box's name (version 0).
std::string WithRotation(std::string mp4, const std::vector<int>& abcd) {
  const size_t matrix = mp4.find("tkhd") + 4 + 40;
  const size_t places[] = {matrix, matrix + 4, matrix + 12, matrix + 16};
  for (size_t i = 0; i < 4; ++i) {
    const auto value = static_cast<uint32_t>(abcd[i] * 0x10000);
    for (size_t byte = 0; byte < 4; ++byte) {
      mp4[places[i] + byte] = static_cast<char>(value >> (24 - 8 * byte) & 255);
    }
  }
  return mp4;
}

TEST(VideoReader, TurnsFramesUpright) {
  const std::string path = TempPath("upright.mp4");
  const std::string turned_path = TempPath("turned.mp4");
  WriteNumberedVideo(path, cv::Size(96, 64), 2);
  const cv::Mat stored = ReadAll(path).frames.at(1).rgb;
  // Matrix {a, b, c, d} of each turn, and OpenCV's word for what a viewer does.
  const std::vector<std::pair<std::vector<int>, int>> turns = {
      {{0, 1, -1, 0}, cv::ROTATE_90_CLOCKWISE},
      {{-1, 0, 0, -1}, cv::ROTATE_180},
      {{0, -1, 1, 0}, cv::ROTATE_90_COUNTERCLOCKWISE}};
  for (const auto& [matrix, rotation] : turns) {
    ASSERT_THAT(
        WriteAtomically(turned_path, WithRotation(Contents(path), matrix)),
        IsOk());
    const ReadVideo video = ReadAll(turned_path);
    ASSERT_EQ(video.frames.size(), 2u);
    cv::Mat expected;
    cv::rotate(stored, expected, rotation);
    EXPECT_EQ(cv::Size(video.info.width, video.info.height), expected.size());
    ASSERT_EQ(video.frames[1].rgb.size(), expected.size());
    EXPECT_EQ(cv::norm(video.frames[1].rgb, expected, cv::NORM_INF), 0)
        << "rotation " << rotation;
  }
}

// Stored as 180x240 with pixels of 16:9; a circle stays one.
TEST(VideoReader, MakesPixelsSquare) {
  const ReadVideo video =
      ReadAll(absl::StrCat(kTestdata, "anamorphic-16-9.mp4"));
  ASSERT_THAT(video.end, IsOk());
  EXPECT_EQ(cv::Size(video.info.width, video.info.height), cv::Size(320, 240));
  ASSERT_FALSE(video.frames.empty());
  const cv::Mat rgb = video.frames[0].rgb;
  ASSERT_EQ(rgb.size(), cv::Size(320, 240));
  // Red top left, green top right.
  EXPECT_GT(cv::mean(rgb(cv::Rect(4, 4, 16, 16)))[0], 150);
  EXPECT_GT(cv::mean(rgb(cv::Rect(300, 4, 16, 16)))[1], 100);
}

// The mean colour within patch i of 16.
cv::Scalar Patch(const cv::Mat& image, int i) {
  const int side = image.cols / 4;
  return cv::mean(image(cv::Rect(i % 4 * side + side / 4,
                                 i / 4 * side + side / 4, side / 2, side / 2)));
}

// The same patches in HLG and BT.2020, white at 203 nits, as phones record.
TEST(VideoReader, MapsHdrToOrdinaryColours) {
  const ReadVideo video = ReadAll(absl::StrCat(kTestdata, "hdr-hlg.mp4"));
  ASSERT_THAT(video.end, IsOk());
  EXPECT_THAT(video.info.warnings,
              ElementsAre(AllOf(HasSubstr("hdr-hlg.mp4"), HasSubstr("HDR"))));
  const cv::Mat plain =
      ReadAll(absl::StrCat(kTestdata, "patches-bt709.mp4")).frames.at(0).rgb;
  for (int i = 0; i < 16; ++i) {
    // White becomes 251 (wide_colours.h). Green of BT.709 has little red of
    // BT.2020 to take away: a step of 10-bit chroma, 1/896, is 0.001 of red
    // light, and that next to black 3 levels of sRGB, of which two may meet. As
    // SDR, white would be 191.
    EXPECT_LE(cv::norm(Patch(video.frames.at(0).rgb, i), Patch(plain, i),
                       cv::NORM_INF),
              8)
        << i;
  }
}

// Share of pixels that differ from the lines above and below by much and to the
// same side, as where a line was filmed at another time.
double Combs(const cv::Mat& rgb) {
  int combs = 0;
  for (int y = 1; y + 1 < rgb.rows; ++y) {
    for (int x = 0; x < rgb.cols; ++x) {
      const int here = rgb.at<cv::Vec3b>(y, x)[1];
      const int above = rgb.at<cv::Vec3b>(y - 1, x)[1];
      const int below = rgb.at<cv::Vec3b>(y + 1, x)[1];
      combs += std::min(here - above, here - below) > 40 ||
               std::max(here - above, here - below) < -40;
    }
  }
  return combs / static_cast<double>(rgb.total());
}

// A bar that moves.
TEST(VideoReader, Deinterlaces) {
  const std::string path = absl::StrCat(kTestdata, "interlaced.mpg");
  const ReadVideo video = ReadAll(path);
  ASSERT_THAT(video.end, IsOk());
  EXPECT_THAT(video.info.warnings, IsEmpty());
  EXPECT_THAT(CountFrames(path), IsOkAndHolds(video.frames.size()));
  for (const VideoFrame& frame : video.frames) {
    EXPECT_LT(Combs(frame.rgb), 0.002);
  }
  for (size_t i = 1; i < video.frames.size(); ++i) {
    EXPECT_EQ(video.frames[i].pts - video.frames[i - 1].pts,
              video.frames[i - 1].duration);
  }
}

// 10 frames of 320x240, then 10 of 240x320: each is cropped by its own shape.
TEST(VideoReader, SqueezesNoFrameWhereThePhoneWasTurned) {
  const std::string path =
      absl::StrCat(kTestdata, "turned-while-recording.webm");
  const ReadVideo video = ReadAll(path);
  ASSERT_THAT(video.end, IsOk());
  ASSERT_EQ(video.frames.size(), 20u);
  for (const VideoFrame& frame : video.frames) {
    EXPECT_EQ(frame.rgb.size(), cv::Size(320, 240));
  }
}

// 16 patches of one colour each by BT.709, which the file does not say; players
// take it for that from its size.
TEST(VideoReader, TakesLargeUntaggedVideosForBt709) {
  const ReadVideo video = ReadAll(absl::StrCat(kTestdata, "untagged-hd.mp4"));
  ASSERT_THAT(video.end, IsOk());
  const cv::Mat rgb = video.frames.at(0).rgb;
  ASSERT_EQ(rgb.size(), cv::Size(720, 720));
  const std::string tagged = absl::StrCat(kTestdata, "patches-bt709.mp4");
  const cv::Mat expected = ReadAll(tagged).frames.at(0).rgb;
  for (int i = 0; i < 16; ++i) {
    const auto patch = [i](const cv::Mat& image) {
      const int side = image.cols / 4;
      return cv::mean(
          image(cv::Rect(i % 4 * side + side / 4, i / 4 * side + side / 4,
                         side / 2, side / 2)));
    };
    // Two encodings of the same colours; BT.601 would be up to 22 off.
    EXPECT_LE(cv::norm(patch(rgb), patch(expected), cv::NORM_INF), 4) << i;
  }
}

TEST(VideoReader, TakesNoCoverPictureForAVideo) {
  const std::string path = absl::StrCat(kTestdata, "song-with-cover.mp3");
  EXPECT_THAT(VideoReader::Open(path),
              StatusIs(StatusCode::kInvalidArgument,
                       AllOf(HasSubstr(path), HasSubstr("cover picture"))));
}

TEST(VideoReader, GivesEqualFramesForEveryNumberOfThreads) {
  const std::string path = TempPath("threads.mp4");
  WriteNumberedVideo(path, cv::Size(96, 64), 30);
  const ReadVideo one = ReadAll(path);
  for (int threads : {0, 2, 4}) {
    FrameSourceOptions options;
    options.threads = threads;
    const ReadVideo many = ReadAll(path, options);
    ASSERT_EQ(many.frames.size(), one.frames.size());
    for (size_t i = 0; i < one.frames.size(); ++i) {
      EXPECT_EQ(cv::norm(one.frames[i].rgb, many.frames[i].rgb, cv::NORM_INF),
                0);
    }
  }
}

TEST(VideoReader, SaysWhereAVideoIsDamaged) {
  const std::string path = TempPath("hole.mp4");
  WriteNumberedVideo(path, cv::Size(96, 64), 60);
  std::string bytes = Contents(path);
  const size_t hole =
      bytes.find("mdat") + (bytes.size() - bytes.find("mdat")) / 2;
  for (size_t i = hole; i < hole + 400; ++i) bytes[i] = 0;
  ASSERT_THAT(WriteAtomically(path, bytes), IsOk());

  const ReadVideo strict = ReadAll(path);
  EXPECT_THAT(
      strict.end,
      StatusIs(
          StatusCode::kDataLoss,
          AllOf(HasSubstr(path),
                HasSubstr(absl::StrCat(strict.frames.size(), " frames read")),
                HasSubstr("should have 60"))));
  EXPECT_GT(strict.frames.size(), 0u);
  EXPECT_LT(strict.frames.size(), 60u);

  FrameSourceOptions options;
  options.allow_damaged = true;
  const ReadVideo lenient = ReadAll(path, options);
  EXPECT_THAT(lenient.end, IsOk());
  EXPECT_GT(lenient.frames.size(), strict.frames.size());
  // How many frames, and where.
  EXPECT_THAT(
      lenient.damage,
      AllOf(HasSubstr(absl::StrCat(60 - lenient.frames.size(), " of 60 frame")),
            HasSubstr("the first after frame 1")));
}

TEST(VideoReader, CountsTheFramesThatATruncatedVideoLost) {
  const std::string path = TempPath("cut.mp4");
  WriteNumberedVideo(path, cv::Size(96, 64), 60);
  const std::string bytes = Contents(path);
  ASSERT_THAT(WriteAtomically(path, bytes.substr(0, bytes.size() * 3 / 4)),
              IsOk());
  FrameSourceOptions options;
  options.allow_damaged = true;
  const ReadVideo lenient = ReadAll(path, options);
  EXPECT_THAT(lenient.end, IsOk());
  EXPECT_LT(lenient.frames.size(), 60u);
  EXPECT_THAT(lenient.damage,
              AllOf(HasSubstr(absl::StrCat(60 - lenient.frames.size(),
                                           " of 60 frames are lost")),
                    HasSubstr("truncated")));
}

TEST(VideoReader, ReadsADevice) {
  const std::string name = "lavfi:testsrc=size=64x48:rate=30:duration=0.5";
  FrameSourceOptions options;
  options.allow_addresses = true;
  const auto reader = VideoReader::Open(name, options);
  ASSERT_THAT(reader, IsOk());
  EXPECT_TRUE((*reader)->info().is_live);
  EXPECT_EQ((*reader)->info().width, 64);
  const ReadVideo video = ReadAll(name, options);
  EXPECT_THAT(video.end, IsOk());
  EXPECT_EQ(video.frames.size(), 15u);
  // Unless it may be one, the same name is a file's.
  EXPECT_THAT(VideoReader::Open(name), StatusIs(StatusCode::kNotFound, _));
}

TEST(VideoReader, NamesADeviceThatIsNotThere) {
  FrameSourceOptions options;
  options.allow_addresses = true;
  EXPECT_THAT(
      VideoReader::Open("camera:97", options),
      StatusIs(StatusCode::kNotFound,
               AllOf(HasSubstr("camera:97"), HasSubstr("/dev/video97"))));
}

// A table of times that says that no frame takes any time, or that the first
// takes for ever, makes FFmpeg hide frames behind the edit list.
TEST(VideoReader, FindsFramesThatWrongTimesHide) {
  const std::string path = TempPath("times.mp4");
  const std::string equal =
      Contents("pipelines/media/testdata/video/equal-times.mp4");
  // The box, its version, one entry: 20 frames of so many units.
  const size_t entry = equal.find("stts") + 4 + 8;
  ASSERT_EQ(equal.substr(entry, 8), std::string("\0\0\0\x14\0\0\0\0", 8));
  for (const std::string& duration :
       {std::string(4, '\0'), std::string("\x10\0\0\0", 4)}) {
    std::string bytes = equal;
    bytes.replace(entry + 4, 4, duration);
    ASSERT_THAT(WriteAtomically(path, bytes), IsOk());
    const ReadVideo strict = ReadAll(path);
    EXPECT_THAT(strict.end, StatusIs(StatusCode::kDataLoss,
                                     AllOf(HasSubstr(path), HasSubstr("times"),
                                           HasSubstr("should have 20"))));
    EXPECT_FALSE(CountFrames(path).ok());
    FrameSourceOptions options;
    options.allow_damaged = true;
    const ReadVideo lenient = ReadAll(path, options);
    EXPECT_THAT(lenient.end, IsOk());
    EXPECT_LT(lenient.frames.size(), 20u);
    EXPECT_THAT(lenient.damage,
                HasSubstr(absl::StrCat(20 - lenient.frames.size(),
                                       " of 20 frames are lost")));
  }
  // With the right times all of them come.
  std::string mended = equal;
  mended.replace(entry + 4, 4, std::string("\0\0\2\0", 4));
  ASSERT_THAT(WriteAtomically(path, mended), IsOk());
  const ReadVideo video = ReadAll(path);
  EXPECT_THAT(video.end, IsOk());
  EXPECT_EQ(video.frames.size(), 20u);
}

// --- Transport streams, which state neither length nor number of frames.

constexpr size_t kTransportPacket = 188;

class TransportStream : public testing::Test {
 protected:
  void SetUp() override {
    const std::string path = TempPath("plain.mp4");
    WriteNumberedVideo(path, cv::Size(96, 64), 20);
    Remux(path, TempPath("sound.ts"));
    sound_ = Contents(TempPath("sound.ts"));
  }

  ReadVideo Read(const std::string& bytes,
                 const FrameSourceOptions& options = {}) {
    path_ = TempPath("tried.ts");
    EXPECT_THAT(WriteAtomically(path_, bytes), IsOk());
    return ReadAll(path_, options);
  }

  // Byte of the packet in which the video's piece of that number begins.
  size_t PieceAt(int number) {
    for (size_t at = 0; at < sound_.size(); at += kTransportPacket) {
      const bool is_video = (sound_[at + 1] & 0x1f) == 1 && sound_[at + 2] == 0;
      if (is_video && sound_[at + 1] & 0x40 && number-- == 0) return at;
    }
    return 0;
  }

  std::string sound_;
  std::string path_;
};

TEST_F(TransportStream, IsReadAsItWasWritten) {
  const ReadVideo video = Read(sound_);
  EXPECT_THAT(video.end, IsOk());
  EXPECT_EQ(Indices(video), Range(20));
  EXPECT_THAT(CountFrames(path_), IsOkAndHolds(20));
}

// One packet of 302 is missing in the middle, as after bad reception.
TEST(VideoReader, ReadsOnBehindAPieceThatIsMissing) {
  const std::string path = absl::StrCat(kTestdata, "one-packet-lost.ts");
  EXPECT_THAT(ReadAll(path).end,
              StatusIs(StatusCode::kDataLoss,
                       AllOf(HasSubstr(path), HasSubstr("a piece of it is"),
                             HasSubstr("allow_damaged"))));
  EXPECT_THAT(CountFrames(path), StatusIs(StatusCode::kDataLoss, _));
  FrameSourceOptions options;
  options.allow_damaged = true;
  const ReadVideo video = ReadAll(path, options);
  EXPECT_THAT(video.end, IsOk());
  EXPECT_GE(video.frames.size(), 99u);
  EXPECT_THAT(video.damage,
              HasSubstr(absl::StrCat(100 - video.frames.size(), " of 100 ")));
}

// Two clips of 25 frames, byte by byte behind one another.
TEST(VideoReader, ReadsTwoRecordingsBehindOneAnother) {
  const std::string path = absl::StrCat(kTestdata, "joined.ts");
  FrameSourceOptions options;
  options.allow_damaged = true;
  const ReadVideo video = ReadAll(path, options);
  EXPECT_THAT(video.end, IsOk());
  ASSERT_GE(video.frames.size(), 49u);
  // The second goes on where the first ended: 2 s in all.
  const double seconds =
      static_cast<double>(video.frames.back().pts - video.frames[0].pts) *
      video.info.time_base.value();
  EXPECT_NEAR(seconds, 2, 0.1);
}

// The second recording is of another hour.
TEST(VideoReader, GoesOnWhereAClockJumpsAhead) {
  const std::string one = TempPath("one.mp4"), later = TempPath("later.ts");
  WriteNumberedVideo(one, cv::Size(96, 64), 25);
  Remux(one, TempPath("first.ts"));
  Remux(one, later, /*seconds_later=*/3600);
  const std::string joined = TempPath("two hours.ts");
  ASSERT_THAT(
      WriteAtomically(joined, Contents(TempPath("first.ts")) + Contents(later)),
      IsOk());
  FrameSourceOptions options;
  options.allow_damaged = true;
  const ReadVideo video = ReadAll(joined, options);
  EXPECT_THAT(video.end, IsOk());
  ASSERT_GE(video.frames.size(), 49u);
  EXPECT_NEAR(
      static_cast<double>(video.frames.back().pts - video.frames[0].pts) *
          video.info.time_base.value(),
      2, 0.1);
}

// An AVI has no times; where a frame is shown on, empty ones follow.
TEST(VideoReader, TakesEmptyPacketsForNoFrames) {
  const std::vector<int64_t> times = {0, 1, 2, 5, 6, 9};
  const std::string gaps = TempPath("gaps.webm"), path = TempPath("gaps.avi");
  VideoWriterOptions options = Sized(cv::Size(96, 64));
  options.time_base = {1, 25};
  auto writer = VideoWriter::Create(gaps, options);
  ASSERT_THAT(writer, IsOk());
  for (size_t i = 0; i < times.size(); ++i) {
    ASSERT_THAT(
        (*writer)->WriteAt(NumberedFrame(cv::Size(96, 64), static_cast<int>(i)),
                           times[i], 1),
        IsOk());
  }
  ASSERT_THAT((*writer)->Finish(), IsOk());
  Remux(gaps, path);
  const ReadVideo video = ReadAll(path);
  EXPECT_THAT(video.end, IsOk());
  EXPECT_EQ(Indices(video), Range(6));
  EXPECT_THAT(CountFrames(path), IsOkAndHolds(6));
  for (size_t i = 0; i < video.frames.size(); ++i) {
    EXPECT_NEAR(
        static_cast<double>(video.frames[i].pts) * video.info.time_base.value(),
        static_cast<double>(times[i]) / 25, 1e-3);
  }
}

// Of 63 stored frames the first 13 cannot be decoded.
TEST(VideoReader, SaysThatARecordingBeginsBetweenKeyFrames) {
  const std::string path =
      absl::StrCat(kTestdata, "begins-between-keyframes.ts");
  EXPECT_THAT(ReadAll(path).end,
              StatusIs(StatusCode::kDataLoss,
                       AllOf(HasSubstr(path), HasSubstr("two key frames"),
                             HasSubstr("allow_damaged"))));
  FrameSourceOptions options;
  options.allow_damaged = true;
  const ReadVideo video = ReadAll(path, options);
  EXPECT_THAT(video.end, IsOk());
  EXPECT_EQ(video.frames.size(), 50u);
  EXPECT_THAT(video.damage, AllOf(HasSubstr("13 of 63 frames are lost"),
                                  HasSubstr("at the beginning")));
}

// A copy that broke off, anywhere but between two packets.
TEST_F(TransportStream, CutAnywhereIsAnError) {
  for (size_t part = 1; part < 40; ++part) {
    const size_t size = sound_.size() * part / 40;
    if (size % kTransportPacket == 0) continue;
    const ReadVideo video = Read(sound_.substr(0, size));
    EXPECT_THAT(video.end.message(), HasSubstr(path_)) << size << " bytes";
    EXPECT_FALSE(CountFrames(path_).ok()) << size << " bytes";
  }
  // Of the frames that are there, none is lost.
  FrameSourceOptions options;
  options.allow_damaged = true;
  const ReadVideo lenient = Read(sound_.substr(0, PieceAt(12) + 17), options);
  EXPECT_THAT(lenient.end, IsOk());
  EXPECT_GE(lenient.frames.size(), 10u);
  EXPECT_THAT(lenient.damage, HasSubstr("its last packet has 17 of 188 bytes"));
}

TEST_F(TransportStream, OverwrittenAnywhereIsNeverAShorterVideo) {
  for (int number = 1; number < 20; ++number) {
    // The packet's own mark, the mark of the piece, the head of its frame, and
    // the whole packet.
    const size_t at = PieceAt(number);
    const std::vector<std::pair<size_t, size_t>> places = {
        {at, 1}, {at + 4, 60}, {at + 26, 30}, {at, kTransportPacket}};
    for (const auto& [begin, size] : places) {
      std::string bytes = sound_;
      for (size_t i = begin; i < begin + size; ++i) bytes[i] = 0;
      const ReadVideo video = Read(bytes);
      if (video.end.ok()) {
        EXPECT_EQ(video.frames.size(), 20u) << number << ", byte " << begin;
      }
    }
  }
}

// As cameras and Blu-rays write them: four bytes of time before each packet.
TEST_F(TransportStream, MayHaveTimesBeforeItsPackets) {
  std::string bytes;
  for (size_t at = 0; at < sound_.size(); at += kTransportPacket) {
    bytes += std::string(4, '\0') + sound_.substr(at, kTransportPacket);
  }
  const ReadVideo video = Read(bytes);
  EXPECT_THAT(video.end, IsOk());
  EXPECT_EQ(video.frames.size(), 20u);
  EXPECT_FALSE(Read(bytes.substr(0, bytes.size() - 100)).end.ok());
}

TEST_F(TransportStream, MayBeginWithinAPacket) {
  const ReadVideo video = Read(sound_.substr(sound_.size() / 4, 0) +
                               std::string(50, '\0') + sound_);
  EXPECT_THAT(video.end, IsOk());
  EXPECT_EQ(video.frames.size(), 20u);
}

// FFmpeg's GIF demuxer stops where the blocks are broken, and says nothing.
TEST(VideoReader, FindsABrokenBlockInAGif) {
  const std::string path = TempPath("broken.gif");
  WriteNumberedVideo(path, cv::Size(96, 64), 10);
  std::string bytes = Contents(path);
  // An image's data begin with the code size, 8, and the first block's length.
  const size_t length = bytes.find("\x08\xff") + 1;
  ASSERT_NE(length, std::string::npos + 1);
  bytes[length] = '\xfe';
  ASSERT_THAT(WriteAtomically(path, bytes), IsOk());
  EXPECT_THAT(ReadAll(path).end,
              StatusIs(StatusCode::kDataLoss, HasSubstr("broken.gif")));
  EXPECT_THAT(CountFrames(path),
              StatusIs(StatusCode::kDataLoss, HasSubstr("broken.gif")));
}

TEST(VideoReader, ErrorsStick) {
  const std::string path = TempPath("sticky.mp4");
  WriteNumberedVideo(path, cv::Size(96, 64), 10);
  ASSERT_THAT(WriteAtomically(path, Contents(path).substr(0, 1500)), IsOk());
  auto reader = VideoReader::Open(path);
  if (!reader.ok()) return;  // also an error, and earlier
  absl::StatusOr<std::optional<VideoFrame>> frame = (*reader)->Next();
  while (frame.ok() && *frame) frame = (*reader)->Next();
  ASSERT_FALSE(frame.ok());
  EXPECT_EQ((*reader)->Next().status(), frame.status());
}

TEST(VideoReader, NamesFilesThatAreNoVideos) {
  EXPECT_THAT(VideoReader::Open(TempPath("absent.mp4")),
              StatusIs(StatusCode::kNotFound, HasSubstr("absent.mp4")));
  EXPECT_THAT(VideoReader::Open(testing::TempDir()),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("folder")));
  const std::string empty = TempPath("empty.mp4");
  ASSERT_THAT(WriteAtomically(empty, ""), IsOk());
  EXPECT_THAT(VideoReader::Open(empty),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("is empty")));
  for (const char* name : {"text.mp4", "text.txt"}) {
    const std::string text = TempPath(name);
    ASSERT_THAT(WriteAtomically(text, "This is a text, not a video.\n"),
                IsOk());
    EXPECT_THAT(VideoReader::Open(text),
                StatusIs(StatusCode::kInvalidArgument, HasSubstr(name)));
  }
  const std::string sound = TempPath("sound.wav");
  WriteSound(sound, 0.2);
  EXPECT_THAT(VideoReader::Open(sound), StatusIs(StatusCode::kInvalidArgument,
                                                 HasSubstr("no video stream")));
}

}  // namespace
}  // namespace pipelines::media
