// The laws of FrameSource, for every kind of input.
#include "pipelines/media/frame_source.h"

#include <sys/stat.h>

#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/files/atomic_file.h"
#include "networks/files/read_file.h"
#include "opencv2/core.hpp"
#include "pipelines/media/formats/bytes.h"
#include "pipelines/media/formats/image_chunks_test_util.h"
#include "pipelines/media/image_io.h"
#include "pipelines/media/read_video_test_util.h"
#include "pipelines/media/video_test_util.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines::media {
namespace {

using ::absl::StatusCode;
using ::networks::files::ReadFile;
using ::networks::files::WriteAtomically;
using ::testing::_;
using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr int kFrames = 12;
const cv::Size kSize(48, 48);

// A kind of input: what writes numbered frames to a path, and what such a path
// may end in.
struct Kind {
  const char* name;
  const char* ending;
  void (*write)(const std::string& path);
};

void WriteVideo(const std::string& path) {
  WriteNumberedVideo(path, kSize, kFrames);
}

const Kind kKinds[] = {
    {"Folder", "",
     [](const std::string& path) {
       WriteNumberedFolder(path, kSize, kFrames);
     }},
    {"Row", ".png",
     [](const std::string& path) {
       WriteNumberedStack(path, kSize.height, kFrames);
     }},
    {"Mp4", ".mp4", WriteVideo},
    {"Mkv", ".mkv", WriteVideo},
    {"Avi", ".avi", WriteVideo},
    {"Webm", ".webm", WriteVideo},
    {"Gif", ".gif", WriteVideo},
    {"Webp", ".webp", WriteVideo},
    {"MotionJpeg", ".mjpeg",
     [](const std::string& path) {
       WriteNumberedMotionJpeg(path, kSize, kFrames);
     }},
    {"TransportStream", ".ts",
     [](const std::string& path) {
       WriteVideo(path + ".mp4");
       Remux(path + ".mp4", path);
     }},
};

class EveryKind : public testing::TestWithParam<Kind> {
 protected:
  void SetUp() override {
    path_ = TempPath(std::string("input") + GetParam().ending);
    std::filesystem::remove_all(path_);
    GetParam().write(path_);
  }

  std::unique_ptr<FrameSource> Open() {
    auto source = OpenFrameSource(path_);
    EXPECT_THAT(source, IsOk());
    return source.ok() ? *std::move(source) : nullptr;
  }

  std::string path_;
};

INSTANTIATE_TEST_SUITE_P(Kinds, EveryKind, testing::ValuesIn(kKinds),
                         [](const auto& info) { return info.param.name; });

TEST_P(EveryKind, GivesItsFramesInOrderAndThenTheEnd) {
  const auto source = Open();
  const std::vector<VideoFrame> frames = ReadAll(*source);
  ASSERT_EQ(frames.size(), kFrames);
  for (int i = 0; i < kFrames; ++i) {
    const cv::Mat& rgb = frames[static_cast<size_t>(i)].rgb;
    EXPECT_EQ(FrameIndex(rgb), i);
    EXPECT_EQ(rgb.type(), CV_8UC3);
    EXPECT_EQ(rgb.size(), kSize);
  }
  EXPECT_THAT(ReadAll(*source), testing::IsEmpty());
  EXPECT_EQ(source->damage(), "");
}

TEST_P(EveryKind, KnowsWhatItWillGive) {
  const VideoInfo info = Open()->info();
  EXPECT_EQ(cv::Size(info.width, info.height), kSize);
  EXPECT_EQ(info.frame_rate, (Rational{25, 1}));
  EXPECT_EQ(info.num_frames.value_or(kFrames), kFrames);
  // To half a frame.
  EXPECT_NEAR(info.duration.value_or(kFrames / 25.0), kFrames / 25.0, 0.02);
  EXPECT_FALSE(info.has_audio);
  EXPECT_FALSE(info.is_live);
}

TEST_P(EveryKind, GivesEachFrameItsTime) {
  const auto source = Open();
  const std::vector<VideoFrame> frames = ReadAll(*source);
  ASSERT_EQ(frames.size(), kFrames);
  for (size_t i = 1; i < kFrames; ++i) {
    EXPECT_GT(frames[i].pts, frames[i - 1].pts);
    EXPECT_GT(frames[i].duration, 0);
    const double seconds = static_cast<double>(frames[i].pts - frames[0].pts) *
                           source->info().time_base.value();
    // Containers round to milliseconds or finer.
    EXPECT_NEAR(seconds, static_cast<double>(i) / 25, 1e-3);
  }
}

TEST_P(EveryKind, LeavesItsFramesToTheCaller) {
  const auto source = Open();
  std::vector<cv::Mat> kept, copies;
  while (true) {
    const auto frame = source->Next();
    ASSERT_THAT(frame, IsOk());
    if (!*frame) break;
    kept.push_back((*frame)->rgb);
    copies.push_back(kept.back().clone());
  }
  for (size_t i = 0; i < kept.size(); ++i) {
    EXPECT_EQ(cv::norm(kept[i], copies[i], cv::NORM_INF), 0);
  }
  kept[0].setTo(cv::Scalar::all(0));
  EXPECT_EQ(cv::norm(kept[1], copies[1], cv::NORM_INF), 0);
}

TEST_P(EveryKind, CountsTheFramesThatItHas) {
  const auto whole = Open();
  EXPECT_THAT(whole->Count(), IsOkAndHolds(kFrames));
  EXPECT_THAT(ReadAll(*whole), testing::IsEmpty());
  // Those that were read before count, too.
  const auto begun = Open();
  ASSERT_THAT(begun->Next(), IsOk());
  ASSERT_THAT(begun->Next(), IsOk());
  EXPECT_THAT(begun->Count(), IsOkAndHolds(kFrames));
}

TEST_P(EveryKind, GivesTheSameFrameWhereverItIsReadFrom) {
  const auto source = Open();
  if (!source->info().random_access) {
    EXPECT_THAT(source->Seek(0), StatusIs(StatusCode::kUnimplemented, _));
    return;
  }
  for (const int index : {7, 0, kFrames - 1, 3}) {
    ASSERT_THAT(source->Seek(index), IsOk());
    const auto frame = source->Next();
    ASSERT_THAT(frame, IsOk());
    EXPECT_EQ(FrameIndex((*frame)->rgb), index);
    EXPECT_EQ((*frame)->pts, index);
  }
  for (const int index : {-1, kFrames}) {
    EXPECT_THAT(source->Seek(index),
                StatusIs(StatusCode::kOutOfRange, HasSubstr(path_)));
  }
}

// Whatever it is, and whatever it is called.
TEST_P(EveryKind, IsKnownByItsContent) {
  const std::string path = TempPath("nameless");
  std::filesystem::remove_all(path);
  ASSERT_EQ(rename(path_.c_str(), path.c_str()), 0);
  path_ = path;
  EXPECT_EQ(ReadAll(*Open()).size(), kFrames);
}

TEST_P(EveryKind, IsTheSameInMemory) {
  if (std::filesystem::is_directory(path_)) return;  // no bytes of its own
  const auto bytes = std::make_shared<const std::string>(*ReadFile(path_));
  const auto source = OpenFrameSourceInMemory(bytes, "upload");
  ASSERT_THAT(source, IsOk());
  const auto from_file = Open();
  const std::vector<VideoFrame> expected = ReadAll(*from_file);
  const std::vector<VideoFrame> frames = ReadAll(**source);
  ASSERT_EQ(frames.size(), expected.size());
  for (size_t i = 0; i < frames.size(); ++i) {
    EXPECT_EQ(frames[i].pts, expected[i].pts);
    EXPECT_EQ(cv::norm(frames[i].rgb, expected[i].rgb, cv::NORM_INF), 0);
  }
  // Cut short it is an error, as a file is.
  const auto cut = std::make_shared<const std::string>(
      bytes->substr(0, bytes->size() * 3 / 4));
  const auto damaged = OpenFrameSourceInMemory(cut, "upload");
  absl::Status status = damaged.status();
  if (damaged.ok()) status = (*damaged)->Count().status();
  EXPECT_THAT(status.message(), HasSubstr("upload"));
}

TEST_P(EveryKind, RepeatsItsErrors) {
  const std::string file =
      std::filesystem::is_directory(path_) ? path_ + "/5.png" : path_;
  const std::string whole = *ReadFile(file);
  ASSERT_THAT(WriteAtomically(file, whole.substr(0, whole.size() * 3 / 4)),
              IsOk());
  const auto source = OpenFrameSource(path_);
  absl::Status status = source.status();
  while (status.ok()) {
    const auto frame = (*source)->Next();
    status = frame.status();
    ASSERT_FALSE(frame.ok() && !*frame) << "a shorter video";
  }
  EXPECT_FALSE(status.ok());
  EXPECT_THAT(status.message(), HasSubstr(path_));
  if (source.ok()) {
    EXPECT_EQ((*source)->Next().status(), status);
  }
}

TEST(OpenFrameSource, NamesWhatIsNoInput) {
  EXPECT_THAT(OpenFrameSource(TempPath("absent")),
              StatusIs(StatusCode::kNotFound, HasSubstr("absent")));
  const std::string empty = TempPath("empty");
  ASSERT_THAT(WriteAtomically(empty, ""), IsOk());
  EXPECT_THAT(OpenFrameSource(empty),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("is empty")));
  EXPECT_THAT(OpenFrameSource(TempFolder("without frames")),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("no frames")));
}

// As where a folder of videos is meant.
TEST(OpenFrameSource, SaysWhatAFolderIsReadAs) {
  const std::string folder = TempFolder("of videos");
  ASSERT_THAT(WriteAtomically(folder + "/talk.mp4", "a video"), IsOk());
  EXPECT_THAT(OpenFrameSource(folder),
              StatusIs(StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("of videos/talk.mp4 is not an image"),
                             HasSubstr("the frames of one video"))));
}

TEST(OpenFrameSource, ReadsAnAnimatedPngAsAVideo) {
  const std::string path = std::string(kTestdata) + "animated.png";
  const auto source = OpenFrameSource(path);
  ASSERT_THAT(source, IsOk());
  const std::vector<VideoFrame> frames = ReadAll(**source);
  ASSERT_EQ(frames.size(), 5u);
  EXPECT_NEAR(static_cast<double>(frames[4].pts + frames[4].duration) *
                  (*source)->info().time_base.value(),
              0.5, 1e-3);
  const std::string cut = TempPath("cut.png"), whole = *ReadFile(path);
  // As a profile of a monitor, behind the header.
  const std::string profile = TempPath("profile.png");
  std::string with_text = whole;
  with_text.insert(8 + 25, PngChunk("tEXt", std::string(3000, 'a')));
  ASSERT_THAT(WriteAtomically(profile, with_text), IsOk());
  EXPECT_THAT((*OpenFrameSource(profile))->Count(), IsOkAndHolds(5));
  for (const size_t part : {1, 2, 3}) {
    ASSERT_THAT(WriteAtomically(cut, whole.substr(0, whole.size() * part / 4)),
                IsOk());
    const auto begun = OpenFrameSource(cut);
    EXPECT_FALSE(begun.ok() && (*begun)->Count().ok()) << part;
  }
}

// `png` with other times, in hundredths of a second, in its chunks fcTL.
std::string WithDelays(std::string png, const std::vector<uint32_t>& delays) {
  size_t at = 0;
  for (const uint32_t delay : delays) {
    at = png.find("fcTL", at + 1);
    const std::string control = png.substr(at + 4, 20) +
                                BigEndianBytes(delay << 16 | 100) +
                                png.substr(at + 28, 2);
    png.replace(at - 4, 38, PngChunk("fcTL", control));
  }
  return png;
}

// 0 and a hundredth of a second are a tenth.
TEST(OpenFrameSource, ShowsAnAnimatedPngAsBrowsersDo) {
  const std::string path = TempPath("delays.png");
  ASSERT_THAT(
      WriteAtomically(
          path, WithDelays(*ReadFile(std::string(kTestdata) + "animated.png"),
                           {0, 1, 2, 5, 20})),
      IsOk());
  const auto source = OpenFrameSource(path);
  ASSERT_THAT(source, IsOk());
  const std::vector<VideoFrame> frames = ReadAll(**source);
  ASSERT_EQ(frames.size(), 5u);
  const double seconds[] = {0.1, 0.1, 0.02, 0.05, 0.2};
  for (size_t i = 0; i < frames.size(); ++i) {
    EXPECT_NEAR(static_cast<double>(frames[i].duration) *
                    (*source)->info().time_base.value(),
                seconds[i], 1e-4)
        << i;
  }
}

// As of the same pictures as stills: pixels twice as wide as high.
TEST(OpenFrameSource, IgnoresTheAspectThatPicturesState) {
  std::string png = *ReadFile(std::string(kTestdata) + "animated.png");
  png.insert(8 + 25, PngChunk("pHYs", BigEndianBytes(1) + BigEndianBytes(2) +
                                          std::string(1, '\0')));
  std::string jpeg = *EncodeImage(NumberedFrame(kSize, 1), ".jpg", "a.jpg");
  jpeg.replace(14, 4, std::string("\0\1\0\2", 4));  // the density of JFIF
  const std::string animated = TempPath("aspect.gif");
  WriteNumberedVideo(animated, kSize, 2);
  std::string gif = *ReadFile(animated);
  gif[12] = 0x71;  // (0x71 + 15) / 64
  for (const auto& [bytes, size] :
       {std::pair{png, cv::Size(64, 64)}, std::pair{jpeg + jpeg, kSize},
        std::pair{gif, kSize}}) {
    const std::string path = TempPath("with an aspect");
    ASSERT_THAT(WriteAtomically(path, bytes), IsOk());
    const auto source = OpenFrameSource(path);
    ASSERT_THAT(source, IsOk());
    EXPECT_EQ((*source)->info().width, size.width);
    EXPECT_EQ((*source)->info().height, size.height);
  }
}

// As the same picture as a still: with light instead of codes, and lying.
TEST(OpenFrameSource, ShowsAnAnimatedPngAsItStates) {
  const std::string plain = *ReadFile(std::string(kTestdata) + "animated.png");
  const std::string gamma = PngChunk("gAMA", BigEndianBytes(100000));
  // [EXIF] A directory of one entry, the orientation: 6.
  const std::string turned = PngChunk(
      "eXIf", std::string("MM\0*\0\0\0\x08\0\1\1\x12\0\3\0\0\0\1\0\6\0\0"
                          "\0\0\0\0",
                          26));
  const cv::Mat as_stored = DecodeImage(plain, "plain").value();
  for (const std::string& chunk : {gamma, turned}) {
    std::string png = plain;
    png.insert(8 + 25, chunk);
    const std::string path = TempPath("states.png");
    ASSERT_THAT(WriteAtomically(path, png), IsOk());
    const auto still = DecodeImage(png, "a still");
    ASSERT_THAT(still, IsOk());
    EXPECT_GT(cv::norm(*still, as_stored, cv::NORM_INF), 20);
    const auto source = OpenFrameSource(path);
    ASSERT_THAT(source, IsOk());
    const std::vector<VideoFrame> frames = ReadAll(**source);
    ASSERT_EQ(frames.size(), 5u);
    EXPECT_EQ(cv::norm(frames[0].rgb, *still, cv::NORM_INF), 0);
  }
}

// [GIF89a] A picture of one frame: codes of one byte, the table emptied before
// it can grow.
std::string GifFrame(int delay, int disposal, cv::Rect place, char colour) {
  const auto word = [](int value) {
    return std::string{static_cast<char>(value & 255),
                       static_cast<char>(value >> 8)};
  };
  constexpr char kHasTransparent = 1, kTransparent = 3;
  std::string frame = std::string("!\xf9\x04", 3) +
                      static_cast<char>(disposal << 2 | kHasTransparent) +
                      word(delay) + kTransparent + '\0';
  frame += "," + word(place.x) + word(place.y) + word(place.width) +
           word(place.height) + '\0';
  constexpr char kCodeSize = 7;
  const std::string codes =
      "\x80" + std::string(static_cast<size_t>(place.area()), colour) + "\x81";
  return frame + kCodeSize + static_cast<char>(codes.size()) + codes + '\0';
}

// 6x4 pixels, of red (0), green (1), blue (2), and transparent (3), which is
// the background. A GIF's table has 128 colours for codes of 7 bits.
std::string GifOf(const std::vector<std::string>& frames) {
  std::string gif = "GIF89a" + std::string("\6\0\4\0\xf6\3\0", 7);
  std::string colours("\xff\0\0\0\xff\0\0\0\xff", 9);
  colours.resize(3 * 128, '\0');
  gif += colours;
  for (const std::string& frame : frames) gif += frame;
  return gif + ";";
}

TEST(OpenFrameSource, ReadsAGifAsBrowsersShowIt) {
  enum Disposal { kKeep = 1, kToBackground = 2, kToPrevious = 3 };
  const std::string path = TempPath("parts.gif");
  ASSERT_THAT(
      WriteAtomically(path, GifOf({GifFrame(0, kKeep, {0, 0, 6, 4}, 0),
                                   GifFrame(0, kToPrevious, {3, 1, 2, 2}, 1),
                                   GifFrame(5, kToBackground, {0, 0, 2, 2}, 2),
                                   GifFrame(0, kKeep, {5, 3, 1, 1}, 1)})),
      IsOk());
  const auto source = OpenFrameSource(path);
  ASSERT_THAT(source, IsOk());
  const std::vector<VideoFrame> frames = ReadAll(**source);
  ASSERT_EQ(frames.size(), 4u);
  const cv::Vec3b red(255, 0, 0), green(0, 255, 0), blue(0, 0, 255);
  const cv::Vec3b white(255, 255, 255);
  const auto at = [&](size_t frame, int x, int y) {
    return frames[frame].rgb.at<cv::Vec3b>(y, x);
  };
  EXPECT_EQ(frames[1].rgb.size(), cv::Size(6, 4));
  EXPECT_EQ(at(0, 3, 1), red);
  EXPECT_EQ(at(1, 3, 1), green);
  EXPECT_EQ(at(1, 4, 2), green);
  EXPECT_EQ(at(1, 2, 1), red);
  EXPECT_EQ(at(2, 3, 1), red);  // as before the second frame
  EXPECT_EQ(at(2, 1, 1), blue);
  EXPECT_EQ(at(3, 1, 1), white);  // nothing is left there
  EXPECT_EQ(at(3, 2, 2), red);
  EXPECT_EQ(at(3, 5, 3), green);
  // Browsers show what states no time for a tenth of a second.
  const double unit = (*source)->info().time_base.value();
  const double expected[] = {0, 0.1, 0.2, 0.25};
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_NEAR(static_cast<double>(frames[i].pts) * unit, expected[i], 1e-9);
  }
}

TEST(OpenFrameSource, ReadsAnAnimatedWebpAsAVideo) {
  const std::string path = std::string(kTestdata) + "animated.webp";
  const auto source = OpenFrameSource(path);
  ASSERT_THAT(source, IsOk());
  EXPECT_FALSE((*source)->info().is_still);
  EXPECT_EQ((*source)->info().frame_rate, (Rational{10, 1}));
  EXPECT_EQ(ReadAll(**source).size(), 5u);
  EXPECT_THAT(ReadImage(path),
              StatusIs(StatusCode::kInvalidArgument,
                       AllOf(HasSubstr(path), HasSubstr("animated WebP"))));
}

TEST(OpenFrameSource, WarnsOfWhatIsNotSeenAsItShould) {
  const auto hdr = OpenFrameSource(std::string(kTestdata) + "hdr-hlg.mp4");
  ASSERT_THAT(hdr, IsOk());
  EXPECT_THAT((*hdr)->info().warnings,
              testing::ElementsAre(
                  AllOf(HasSubstr("hdr-hlg.mp4"), HasSubstr("is HDR"))));
  const auto plain =
      OpenFrameSource(std::string(kTestdata) + "patches-bt709.mp4");
  ASSERT_THAT(plain, IsOk());
  EXPECT_THAT((*plain)->info().warnings, testing::IsEmpty());
}

TEST(OpenFrameSource, WarnsOfAMatrixThatIsNotRead) {
  std::string video = *ReadFile(std::string(kTestdata) + "patches-bt709.mp4");
  // Primaries, curve and matrix, three bits to the right: 1, 1 and 1.
  const size_t at = video.find(std::string("\x20\x20\x28\0\0\3", 6));
  ASSERT_NE(at, std::string::npos);
  video.replace(at, 3, "\x20\x21\x08");  // the matrix becomes 8
  const std::string path = TempPath("ycgco.mp4");
  ASSERT_THAT(WriteAtomically(path, video), IsOk());
  const auto source = OpenFrameSource(path);
  ASSERT_THAT(source, IsOk());
  EXPECT_THAT((*source)->info().warnings,
              testing::ElementsAre(AllOf(HasSubstr("ycgco.mp4 states"),
                                         HasSubstr("matrix 8 (ycgco)"))));
}

TEST(OpenFrameSource, ReadsADeviceOnlyWhereItMay) {
  FrameSourceOptions options;
  options.allow_addresses = true;
  const std::string name = "lavfi:testsrc=size=48x48:rate=25:duration=0.2";
  const auto source = OpenFrameSource(name, options);
  ASSERT_THAT(source, IsOk());
  EXPECT_TRUE((*source)->info().is_live);
  EXPECT_EQ(ReadAll(**source).size(), 5u);
  EXPECT_THAT(OpenFrameSource(name), StatusIs(StatusCode::kNotFound, _));
}

TEST(OpenFrameSource, TakesAnImageForARowOnlyFromSoManyFramesOn) {
  const std::string path = TempPath("row.png");
  WriteNumberedStack(path, 16, 4);
  FrameSourceOptions options;
  options.min_stacked_frames = 5;
  auto source = OpenFrameSource(path, options);
  ASSERT_THAT(source, IsOk());
  EXPECT_EQ((*source)->info().width, 64);
  EXPECT_TRUE((*source)->info().is_still);
  EXPECT_EQ(ReadAll(**source).size(), 1u);
  options.min_stacked_frames = 4;
  source = OpenFrameSource(path, options);
  ASSERT_THAT(source, IsOk());
  EXPECT_FALSE((*source)->info().is_still);
  EXPECT_EQ(ReadAll(**source).size(), 4u);
}

TEST(OpenFrameSource, GivesTheAlphaOfImages) {
  cv::Mat row(16, 32, CV_8UC4, cv::Scalar(9, 9, 9, 255));
  row({16, 0, 4, 16}) = cv::Scalar(9, 9, 9, 70);
  const std::string path = TempPath("row with alpha.png");
  ASSERT_THAT(WriteImage(path, row), IsOk());
  const auto source = OpenFrameSource(path);
  ASSERT_THAT(source, IsOk());
  EXPECT_EQ(*(*(*source)->Next())->alpha.ptr<uint8_t>(3), 255);
  const VideoFrame second = **(*source)->Next();
  EXPECT_EQ(second.alpha.at<uint8_t>(3, 3), 70);
  EXPECT_EQ(second.alpha.at<uint8_t>(3, 4), 255);
}

TEST(OpenFrameSource, TakesNoStripeOfPixelsForFrames) {
  const std::string path = TempPath("stripe.png");
  ASSERT_THAT(WriteImage(path, cv::Mat(1, 60000, CV_8UC3, cv::Scalar::all(9))),
              IsOk());
  EXPECT_THAT(OpenFrameSource(path),
              StatusIs(StatusCode::kInvalidArgument,
                       AllOf(HasSubstr(path),
                             HasSubstr("60000 frames of 1x1 pixels"))));
}

TEST(OpenFrameSource, SkipsWhatSystemsPutIntoFolders) {
  const std::string path = TempPath("as people have them");
  WriteNumberedFolder(path, kSize, 11);
  for (const char* name : {".DS_Store", "._3.png", ".hidden.png", "Thumbs.db",
                           "desktop.ini", "notes.txt"}) {
    ASSERT_THAT(WriteAtomically(path + "/" + name, "no picture"), IsOk());
  }
  // What is no picture by its name and its content; a pipe is not opened.
  for (const char* name : {"README", "frame.log", "audio.wav"}) {
    ASSERT_THAT(WriteAtomically(path + "/" + name, "no picture"), IsOk());
  }
  ASSERT_THAT(WriteAtomically(path + "/Icon\r", ""), IsOk());
  for (const char* name : {"__MACOSX", "masks", "small.png"}) {
    std::filesystem::create_directory(path + "/" + name);
  }
  ASSERT_EQ(mkfifo((path + "/pipe").c_str(), 0600), 0);
  std::filesystem::rename(path + "/4.png", path + "/4");
  const auto source = OpenFrameSource(path);
  ASSERT_THAT(source, IsOk());
  const std::vector<VideoFrame> frames = ReadAll(**source);
  ASSERT_EQ(frames.size(), 11u);
  for (int i = 0; i < 11; ++i) {
    EXPECT_EQ(FrameIndex(frames[static_cast<size_t>(i)].rgb), i);
  }
}

TEST(OpenFrameSource, LeavesOutDamagedPicturesOfAFolderWhereItMay) {
  const std::string path = TempPath("damaged pictures");
  WriteNumberedFolder(path, kSize, 5);
  for (const char* name : {"/0.png", "/3.png"}) {
    const std::string whole = *ReadFile(path + name);
    ASSERT_THAT(WriteAtomically(path + name, whole.substr(0, whole.size() / 2)),
                IsOk());
  }
  FrameSourceOptions options;
  options.allow_damaged = true;
  const auto source = OpenFrameSource(path, options);
  ASSERT_THAT(source, IsOk());
  for (int reading = 0; reading < 2; ++reading) {
    ASSERT_THAT((*source)->Seek(0), IsOk());
    const std::vector<VideoFrame> frames = ReadAll(**source);
    ASSERT_EQ(frames.size(), 3u);
    const int numbers[] = {1, 2, 4};
    for (size_t i = 0; i < 3; ++i) {
      EXPECT_EQ(FrameIndex(frames[i].rgb), numbers[i]);
      EXPECT_EQ(frames[i].pts, numbers[i]);
    }
    EXPECT_THAT((*source)->damage(),
                AllOf(HasSubstr("2 of 5 frames are lost, the first: "),
                      HasSubstr("/0.png")));
  }
}

TEST(OpenFrameSource, SaysWhatHelpsWithADamagedPictureOfAFolder) {
  const std::string path = TempPath("a damaged picture");
  WriteNumberedFolder(path, kSize, 2);
  ASSERT_THAT(WriteAtomically(path + "/1.png", "no picture"), IsOk());
  FrameSourceOptions options;
  options.damage_advice = "--allow_damaged leaves out what is damaged";
  const auto source = OpenFrameSource(path, options);
  ASSERT_THAT(source, IsOk());
  EXPECT_THAT((*source)->Next(), IsOk());
  EXPECT_THAT((*source)->Next(),
              StatusIs(StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("/1.png"),
                             HasSubstr("; --allow_damaged leaves out"))));
}

TEST(OpenFrameSource, ShowsImagesAtTheRateThatItIsTold) {
  const std::string folder = TempPath("slow"), row = TempPath("slow.png");
  WriteNumberedFolder(folder, kSize, 3);
  WriteNumberedStack(row, 16, 3);
  FrameSourceOptions options;
  options.image_rate = {30000, 1001};
  for (const std::string& path : {folder, row}) {
    const auto source = OpenFrameSource(path, options);
    ASSERT_THAT(source, IsOk());
    EXPECT_EQ((*source)->info().frame_rate, options.image_rate);
    EXPECT_EQ((*source)->info().time_base, (Rational{1001, 30000}));
    EXPECT_NEAR(*(*source)->info().duration, 3 * 1001 / 30000.0, 1e-12);
  }
}

TEST(OpenFrameSource, ShowsRawStreamsAtTheRateThatItIsTold) {
  const std::string hevc = TempPath("without_rate.hevc");
  WriteNumberedHevc(hevc, cv::Size(64, 64), kFrames, /*stated_rate=*/{});
  // Of pictures that FFmpeg cannot see the end of where it looks first.
  const std::string mjpeg = TempPath("without_rate.mjpeg");
  WriteNumberedMotionJpeg(mjpeg, cv::Size(640, 640), kFrames);
  FrameSourceOptions options;
  for (const std::string& path : {hevc, mjpeg}) {
    for (const Rational rate : {Rational{25, 1}, Rational{30000, 1001}}) {
      SCOPED_TRACE(path);
      options.image_rate = rate;
      const auto source = OpenFrameSource(path, options);
      ASSERT_THAT(source, IsOk());
      EXPECT_TRUE((*source)->info().has_assumed_rate);
      EXPECT_EQ((*source)->info().frame_rate, rate);
      EXPECT_EQ((*source)->info().time_base, (Rational{rate.den, rate.num}));
      const std::vector<VideoFrame> frames = ReadAll(**source);
      ASSERT_EQ(frames.size(), kFrames);
      for (size_t i = 0; i < kFrames; ++i) {
        EXPECT_EQ(FrameIndex(frames[i].rgb), static_cast<int>(i));
        EXPECT_EQ(frames[i].pts - frames[0].pts, static_cast<int64_t>(i));
        EXPECT_EQ(frames[i].duration, 1);
      }
    }
  }
}

TEST(OpenFrameSource, KeepsTheRateThatARawStreamStates) {
  const std::string path = TempPath("with_rate.hevc");
  WriteNumberedHevc(path, cv::Size(64, 64), kFrames, Rational{30, 1});
  FrameSourceOptions options;
  options.image_rate = {12, 1};
  const auto source = OpenFrameSource(path, options);
  ASSERT_THAT(source, IsOk());
  EXPECT_FALSE((*source)->info().has_assumed_rate);
  EXPECT_EQ((*source)->info().frame_rate, (Rational{30, 1}));
  const double unit = (*source)->info().time_base.value();
  for (const VideoFrame& frame : ReadAll(**source)) {
    EXPECT_NEAR(static_cast<double>(frame.duration) * unit, 1 / 30., 1e-6);
  }
}

TEST(OpenFrameSource, AllowsFramesOfOtherSizesWhereItIsTold) {
  const std::string path = TempPath("sizes");
  WriteNumberedFolder(path, kSize, 3);
  ASSERT_THAT(WriteImage(path + "/1.png", NumberedFrame(cv::Size(30, 20), 1)),
              IsOk());
  auto source = OpenFrameSource(path);
  ASSERT_THAT(source, IsOk());
  ASSERT_THAT((*source)->Next(), IsOk());
  EXPECT_THAT((*source)->Next(), StatusIs(StatusCode::kInvalidArgument,
                                          AllOf(HasSubstr("1.png has 30x20"),
                                                HasSubstr("48x48"))));
  FrameSourceOptions options;
  options.allow_other_sizes = true;
  source = OpenFrameSource(path, options);
  ASSERT_THAT(source, IsOk());
  EXPECT_EQ(ReadAll(**source).size(), 3u);
}

// [PNG specification, 8.2] Grey in seven passes, packed.
std::string Adam7(const cv::Mat& grey) {
  constexpr int kBegin[7][2] = {{0, 0}, {4, 0}, {0, 4}, {2, 0},
                                {0, 2}, {1, 0}, {0, 1}};  // x, y
  constexpr int kStep[7][2] = {{8, 8}, {8, 8}, {4, 8}, {4, 4},
                               {2, 4}, {2, 2}, {1, 2}};
  std::string rows;
  for (int pass = 0; pass < 7; ++pass) {
    for (int y = kBegin[pass][1]; y < grey.rows; y += kStep[pass][1]) {
      rows += '\0';  // no filter
      for (int x = kBegin[pass][0]; x < grey.cols; x += kStep[pass][0]) {
        rows += static_cast<char>(grey.at<uint8_t>(y, x));
      }
    }
  }
  uLongf size = compressBound(rows.size());
  std::string packed(size, '\0');
  compress(reinterpret_cast<Bytef*>(packed.data()), &size,
           reinterpret_cast<const Bytef*>(rows.data()), rows.size());
  return packed.substr(0, size);
}

TEST(OpenFrameSource, LeavesTheLinesOfAnInterlacedPngAlone) {
  const std::string side = BigEndianBytes(16);
  std::string png =
      "\x89PNG\r\n\x1a\n" +
      PngChunk("IHDR", side + side + std::string("\x08\0\0\0\1", 5)) +
      PngChunk("acTL", BigEndianBytes(3) + BigEndianBytes(0));
  std::vector<cv::Mat> pictures;
  cv::RNG random(1);
  uint32_t number = 0;
  for (int i = 0; i < 3; ++i) {
    cv::Mat grey(16, 16, CV_8UC1);
    random.fill(grey, cv::RNG::UNIFORM, 0, 256);
    pictures.push_back(grey);
    png += PngChunk("fcTL", BigEndianBytes(number++) + side + side +
                                BigEndianBytes(0) + BigEndianBytes(0) +
                                std::string("\0\1\0\x0a\0\0", 6));
    png += i == 0 ? PngChunk("IDAT", Adam7(grey))
                  : PngChunk("fdAT", BigEndianBytes(number++) + Adam7(grey));
  }
  const auto source = OpenFrameSourceInMemory(
      std::make_shared<const std::string>(png + PngChunk("IEND", "")), "a.png");
  ASSERT_THAT(source, IsOk());
  const std::vector<VideoFrame> frames = ReadAll(**source);
  ASSERT_EQ(frames.size(), 3u);
  for (size_t i = 0; i < 3; ++i) {
    cv::Mat red;
    cv::extractChannel(frames[i].rgb, red, 0);
    EXPECT_EQ(cv::norm(red, pictures[i], cv::NORM_INF), 0) << i;
  }
}

}  // namespace
}  // namespace pipelines::media
