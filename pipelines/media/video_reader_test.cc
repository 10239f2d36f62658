#include "pipelines/media/video_reader.h"

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/files/atomic_file.h"
#include "opencv2/core.hpp"
#include "pipelines/media/image_io.h"
#include "pipelines/media/read_video_test_util.h"
#include "pipelines/media/video_test_util.h"
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
using namespace std::string_literals;

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
    ASSERT_THAT(WriteAtomically(turned_path, TurnedMp4(Contents(path), matrix)),
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

// A broadcast that goes on in 16:9: what is wider is cropped.
TEST(VideoReader, SqueezesNoFrameWherePixelsChangeTheirShape) {
  const std::string narrow =
      Contents(absl::StrCat(kTestdata, "interlaced.mpg"));
  const std::string sequence = "\0\0\1\xb3"s;
  constexpr size_t kShape = 7;
  std::string wide = narrow;
  size_t at = wide.find(sequence);
  ASSERT_NE(at, std::string::npos);
  for (; at != std::string::npos; at = wide.find(sequence, at + 1)) {
    wide.at(at + kShape) = '\x33';  // 16:9, 25 frames a second
  }
  ASSERT_NE(wide, narrow);
  const std::string path = TempPath("reshaped.mpg");
  ASSERT_THAT(WriteAtomically(path, wide), IsOk());
  const cv::Mat wide_frame = ReadAll(path).frames.back().rgb;
  ASSERT_THAT(WriteAtomically(path, narrow + wide), IsOk());
  const ReadVideo video = ReadAll(path);
  EXPECT_THAT(video.end, IsOk());
  const cv::Size size(video.info.width, video.info.height);
  ASSERT_GT(wide_frame.cols, size.width);
  EXPECT_EQ(cv::norm(video.frames.back().rgb, CropAndResize(wide_frame, size),
                     cv::NORM_INF),
            0);
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

// So that screens without HDR show it, a stream may state an ordinary curve,
// and HLG in a message beside the frames.
TEST(VideoReader, WarnsOfHdrThatStandsInAMessage) {
  const std::string path = TempPath("message.hevc");
  WriteNumberedHevc(path, cv::Size(64, 64), 2, Rational{25, 1});
  std::string hevc = Contents(path);
  // FFmpeg decodes the first frame when it looks for streams.
  const size_t second = hevc.find("\0\0\1\x02"s);
  ASSERT_NE(second, std::string::npos);
  // [ITU-T H.265, D.2.38] Message 147, of one byte: 18 is HLG.
  hevc.insert(second, "\0\0\1\x4e\1\x93\1\x12\x80"s);
  ASSERT_THAT(WriteAtomically(path, hevc), IsOk());
  const auto reader = VideoReader::Open(path);
  ASSERT_THAT(reader, IsOk());
  EXPECT_EQ(ReadAll(**reader).size(), 2u);
  EXPECT_THAT((*reader)->info().warnings, ElementsAre(HasSubstr("is HDR")));
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

// Whether the container lists the fields in front (mp4, avi), states the time
// of each (mpeg-ts, mkv), or neither.
TEST(VideoReader, ReadsFramesWhoseFieldsStandInPacketsOfTheirOwn) {
  const std::string stream = absl::StrCat(kTestdata, "field-pictures.ts");
  for (const char* ending : {".ts", ".mkv", ".mp4", ".avi", ".h264"}) {
    const std::string path = TempPath(absl::StrCat("fields", ending));
    Remux(stream, path, /*seconds_later=*/0, /*unit=*/{1, 50});
    const ReadVideo video = ReadAll(path);
    EXPECT_THAT(video.end, IsOk()) << path;
    EXPECT_EQ(video.frames.size(), 12u) << path;
    EXPECT_EQ(video.info.num_frames, std::nullopt) << path;
    EXPECT_NEAR(video.info.frame_rate.value(), 25, 0.01) << path;
    EXPECT_THAT(CountFrames(path), IsOkAndHolds(12)) << path;
    const double unit = video.info.time_base.value();
    for (size_t i = 0; i < video.frames.size(); ++i) {
      const VideoFrame& frame = video.frames[i];
      EXPECT_NEAR(static_cast<double>(frame.duration) * unit, 0.04, 1e-3);
      EXPECT_NEAR(static_cast<double>(frame.pts - video.frames[0].pts) * unit,
                  0.04 * static_cast<double>(i), 1e-3);
    }
  }
}

TEST(VideoReader, FindsThatAFieldIsMissing) {
  const std::string path = TempPath("lost_field.h264");
  Remux(absl::StrCat(kTestdata, "field-pictures.ts"), path);
  std::string bytes = Contents(path);
  // The sixth, the second of a frame; each begins with a delimiter.
  const std::string delimiter = "\0\0\0\1\x09"s;
  size_t begin = 0;
  for (int i = 0; i < 5; ++i) begin = bytes.find(delimiter, begin + 1);
  bytes.erase(begin, bytes.find(delimiter, begin + 1) - begin);
  ASSERT_THAT(WriteAtomically(path, bytes), IsOk());
  EXPECT_THAT(ReadAll(path).end,
              StatusIs(StatusCode::kDataLoss, HasSubstr("1 of 12 frames")));
  FrameSourceOptions options;
  options.allow_damaged = true;
  const ReadVideo lenient = ReadAll(path, options);
  EXPECT_THAT(lenient.end, IsOk());
  EXPECT_EQ(lenient.frames.size(), 11u);
  EXPECT_THAT(lenient.damage, HasSubstr("1 of 12 frames is lost"));
}

// A Matroska file states one length, of what is longest in it.
TEST(VideoReader, TakesNoLengthOfTheSoundForThatOfThePictures) {
  WriteNumberedVideo(TempPath("short.mp4"), cv::Size(32, 32), 25);
  WriteSound(TempPath("long.m4a"), 3);
  const std::string path = TempPath("long_sound.mkv");
  MergeSound({TempPath("short.mp4"), TempPath("long.m4a")}, {"und", "und"},
             path);
  const auto reader = VideoReader::Open(path);
  ASSERT_THAT(reader, IsOk());
  EXPECT_EQ((*reader)->info().duration, std::nullopt);
  EXPECT_THAT((*reader)->Count(), IsOkAndHolds(25));
  EXPECT_NEAR((*reader)->info().duration.value_or(0), 1, 0.01);
}

// A header that lost the element by which it says that there is alpha, or in
// which it says that there is none.
TEST(VideoReader, FindsAlphaThatTheHeaderDoesNotState) {
  const std::string path = TempPath("alpha.webm");
  const std::string damaged_path = TempPath("alpha_damaged.webm");
  VideoWriterOptions options = Sized(cv::Size(32, 32));
  options.with_alpha = true;
  auto writer = VideoWriter::Create(path, options);
  ASSERT_THAT(writer, IsOk());
  for (const int alpha : {40, 80, 120}) {
    ASSERT_THAT(
        (*writer)->Write(cv::Mat(32, 32, CV_8UC4, cv::Scalar(9, 9, 9, alpha))),
        IsOk());
  }
  ASSERT_THAT((*writer)->Finish(), IsOk());
  const std::vector<VideoFrame> whole = ReadAll(path).frames;
  ASSERT_EQ(whole.size(), 3u);
  const std::string alpha_mode = "\x53\xC0\x81\x01";
  for (const std::string& other : {"\x53\xC4\x81\x01"s, "\x53\xC0\x81\0"s}) {
    std::string bytes = Contents(path);
    const size_t at = bytes.find(alpha_mode);
    ASSERT_NE(at, std::string::npos);
    bytes.replace(at, other.size(), other);
    ASSERT_THAT(WriteAtomically(damaged_path, bytes), IsOk());
    const ReadVideo damaged = ReadAll(damaged_path);
    EXPECT_THAT(damaged.end, IsOk());
    ASSERT_EQ(damaged.frames.size(), whole.size());
    for (size_t i = 0; i < whole.size(); ++i) {
      ASSERT_FALSE(damaged.frames[i].alpha.empty()) << i;
      EXPECT_EQ(cv::norm(damaged.frames[i].alpha, whole[i].alpha, cv::NORM_INF),
                0);
      EXPECT_EQ(cv::norm(damaged.frames[i].rgb, whole[i].rgb, cv::NORM_INF), 0);
    }
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
  // The upright bars end above a band of colours at three quarters of each
  // frame's height, of which the middle 180 of 320 rows show the very end.
  const auto differs_from_bars = [](const cv::Mat& rgb) {
    const cv::Range columns(0, 200);
    return cv::norm(rgb(cv::Range(60, 61), columns),
                    rgb(cv::Range(195, 196), columns), cv::NORM_L1) /
           (3. * columns.size());
  };
  EXPECT_GT(differs_from_bars(video.frames[5].rgb), 60);
  EXPECT_LT(differs_from_bars(video.frames[15].rgb), 10);
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

// The frames of VP9, and of others, may leave it to their container.
TEST(VideoReader, TakesColoursOfTheContainerWhereTheStreamStatesNone) {
  const std::string path = TempPath("container.webm");
  WriteNumberedVideo(path, cv::Size(64, 64), 2);
  const cv::Mat stated = ReadAll(path).frames.at(0).rgb;
  std::string webm = Contents(path);
  // Behind each, three bits are the matrix of a key frame; 0 is unknown.
  const std::string sync_code = "\x49\x83\x42";
  size_t at = webm.find(sync_code);
  ASSERT_NE(at, std::string::npos);
  ASSERT_NE(webm.at(at + 3) & 0xe0, 0);
  for (; at != std::string::npos; at = webm.find(sync_code, at + 1)) {
    webm.at(at + 3) &= 0x1f;
  }
  ASSERT_THAT(WriteAtomically(path, webm), IsOk());
  // By BT.601, as its size has it otherwise, colours would be others.
  EXPECT_EQ(cv::norm(ReadAll(path).frames.at(0).rgb, stated, cv::NORM_INF), 0);
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

TEST(VideoReader, CountsSecondsFromTheFirstFrame) {
  const std::string whole =
      Contents(absl::StrCat(kTestdata, "starts-at-10-hours.ts"));
  const std::string path = TempPath("cut.ts");
  ASSERT_THAT(WriteAtomically(path, whole.substr(0, whole.size() - 60)),
              IsOk());
  EXPECT_THAT(ReadAll(path).end, StatusIs(StatusCode::kDataLoss,
                                          HasSubstr("frames read, up to 0.")));
  FrameSourceOptions options;
  options.allow_damaged = true;
  EXPECT_THAT(ReadAll(path, options).damage, HasSubstr(" (0."));
}

// FFmpeg searches on for the next frame and says nothing.
TEST(VideoReader, FindsThatAFrameOfAnAviIsOverwritten) {
  const std::string path = TempPath("hole.avi");
  WriteNumberedVideo(path, cv::Size(96, 64), 20);
  std::string bytes = Contents(path);
  size_t piece = bytes.find("movi");
  for (int i = 0; i < 8; ++i) piece = bytes.find("00dc", piece + 1);
  for (size_t i = piece; i < piece + 12; ++i) bytes[i] = 0;
  ASSERT_THAT(WriteAtomically(path, bytes), IsOk());
  EXPECT_THAT(ReadAll(path).end,
              StatusIs(StatusCode::kDataLoss,
                       HasSubstr("lists 20 frames, there are 19")));
}

// Of a file beyond a gigabyte, the second part may be gone.
TEST(VideoReader, TakesNoAviForWholeWhoseIndexListsLessThanItsHeader) {
  const std::string path = TempPath("part.avi");
  WriteNumberedVideo(path, cv::Size(96, 64), 20);
  std::string bytes = Contents(path);
  const size_t frames = bytes.find("vids") + 32;
  ASSERT_EQ(bytes.substr(frames, 4), std::string("\x14\0\0\0", 4));
  bytes[frames] = 30;
  ASSERT_THAT(WriteAtomically(path, bytes), IsOk());
  EXPECT_THAT(ReadAll(path).end,
              StatusIs(StatusCode::kDataLoss,
                       HasSubstr("states 30 frames, there are 20")));
}

// As FFmpeg writes to a pipe, which cannot go back.
TEST(VideoReader, ReadsAnAviThatDoesNotStateItsLength) {
  const std::string path = TempPath("piped.avi");
  WriteNumberedVideo(path, cv::Size(96, 64), 20);
  std::string bytes = Contents(path);
  bytes.replace(4, 4, 4, '\xff');
  bytes.replace(bytes.find("vids") + 32, 4, std::string("\0\0\0\x40", 4));
  ASSERT_THAT(WriteAtomically(path, bytes), IsOk());
  const ReadVideo video = ReadAll(path);
  EXPECT_THAT(video.end, IsOk());
  EXPECT_EQ(Indices(video), Range(20));
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
  // A table of no frames hides the one that begins before the others.
  std::string none = equal;
  none.replace(entry, 8, std::string(8, '\0'));
  ASSERT_THAT(WriteAtomically(path, none), IsOk());
  EXPECT_THAT(ReadAll(path).end,
              StatusIs(StatusCode::kDataLoss, HasSubstr("times")));
  // With the right times all of them come.
  std::string mended = equal;
  mended.replace(entry + 4, 4, std::string("\0\0\2\0", 4));
  ASSERT_THAT(WriteAtomically(path, mended), IsOk());
  const ReadVideo video = ReadAll(path);
  EXPECT_THAT(video.end, IsOk());
  EXPECT_EQ(video.frames.size(), 20u);
}

// Cut without encoding it anew, the usual way to trim: an edit list hides the
// frames before the cut, from the key frame on.
TEST(VideoReader, ReadsWhatIsLeftOfAVideoThatWasCut) {
  WriteNumberedVideo(TempPath("whole.mp4"), cv::Size(32, 32), 50);
  const std::string path = TempPath("cut.mp4");
  Remux(TempPath("whole.mp4"), path, /*seconds_later=*/-1);
  const ReadVideo cut = ReadAll(path);
  EXPECT_THAT(cut.end, IsOk());
  ASSERT_EQ(cut.frames.size(), 25u);
  EXPECT_EQ(FrameIndex(cut.frames[0].rgb), 25);
  EXPECT_THAT(CountFrames(path), IsOkAndHolds(25));
}

TEST(VideoReader, DoesWithoutHiddenFramesThatCannotBeDecoded) {
  const ReadVideo cut = ReadAll(absl::StrCat(kTestdata, "open-gop-cut.mp4"));
  EXPECT_THAT(cut.end, IsOk());
  EXPECT_EQ(cut.frames.size(), 35u);
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

// A block of 255 bytes is missing, so that the blocks still follow one another:
// the codes that are left give fewer pixels, or more, than the picture has.
TEST(VideoReader, FindsABlockThatIsMissingInAGif) {
  const std::string path = TempPath("blocks.gif");
  // Noise, so that every frame fills blocks.
  auto writer = VideoWriter::Create(path, Sized(cv::Size(96, 64)));
  ASSERT_THAT(writer, IsOk());
  cv::Mat frame(64, 96, CV_8UC3);
  cv::RNG random(1);
  for (int i = 0; i < 20; ++i) {
    random.fill(frame, cv::RNG::UNIFORM, 0, 256);
    ASSERT_THAT((*writer)->Write(frame), IsOk());
  }
  ASSERT_THAT((*writer)->Finish(), IsOk());
  const std::string whole = Contents(path);
  ASSERT_THAT(ReadAll(path).end, IsOk());
  int found = 0, tried = 0;
  for (size_t at = whole.find("\x08\xff"); at != std::string::npos;
       at = whole.find("\x08\xff", at + 1)) {
    std::string bytes = whole;
    bytes.erase(at + 1, 256);
    ASSERT_THAT(WriteAtomically(path, bytes), IsOk());
    ++tried;
    found += absl::IsDataLoss(ReadAll(path).end);
  }
  ASSERT_GT(tried, 10);
  EXPECT_GT(found, tried / 2);
}

// LibAV hands on what a damaged header states as a value of its enum.
TEST(VideoReader, TakesNoColourTagThatIsNoValue) {
  for (const char* name : {"colour-matrix-252.mov", "colour-curve-172.webm"}) {
    const absl::Status end = ReadAll(absl::StrCat(kTestdata, name)).end;
    if (!end.ok()) {
      EXPECT_THAT(end, StatusIs(StatusCode::kDataLoss, HasSubstr(name)));
    }
  }
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
