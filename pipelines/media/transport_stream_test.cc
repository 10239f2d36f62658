// Transport streams, which state neither length nor number of frames.
#include "pipelines/media/transport_stream.h"

#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/files/atomic_file.h"
#include "opencv2/core.hpp"
#include "pipelines/media/read_video_test_util.h"
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
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using namespace std::string_literals;

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
  size_t PieceAt(int number) { return PieceAt(sound_, number); }

  static size_t PieceAt(const std::string& stream, int number) {
    for (size_t at = 0; at < stream.size(); at += kTransportPacket) {
      const bool is_it = (stream[at + 1] & 0x1f) == 1 && stream[at + 2] == 0;
      if (is_it && stream[at + 1] & 0x40 && number-- == 0) return at;
    }
    return 0;
  }

  static PacketOrder Order(const std::string& bytes) {
    std::istringstream file(bytes);
    return CheckPacketOrder(file, /*pid=*/256);  // FFmpeg's first
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
  FrameSourceOptions options;
  options.damage_advice = "do this";
  EXPECT_THAT(
      ReadAll(path, options).end,
      StatusIs(StatusCode::kDataLoss,
               AllOf(HasSubstr(path), HasSubstr("a piece is missing there ("),
                     EndsWith("; do this"))));
  EXPECT_THAT(CountFrames(path), StatusIs(StatusCode::kDataLoss, _));
  options.allow_damaged = true;
  const ReadVideo video = ReadAll(path, options);
  EXPECT_THAT(video.end, IsOk());
  EXPECT_GE(video.frames.size(), 99u);
  EXPECT_THAT(video.damage,
              HasSubstr(absl::StrCat(100 - video.frames.size(), " of 100 ")));
}

// 10 frames, of which nothing is left but the gap in the times.
TEST(VideoReader, CountsTheFramesThatAreMissingInAStream) {
  const std::string path = absl::StrCat(kTestdata, "burst-lost.ts");
  FrameSourceOptions options;
  options.allow_damaged = true;
  const ReadVideo video = ReadAll(path, options);
  EXPECT_THAT(video.end, IsOk());
  EXPECT_EQ(video.frames.size(), 30u);
  EXPECT_THAT(video.damage, HasSubstr("10 of 40 frames are lost"));
}

// Two clips of 25 frames, byte by byte behind one another: each is whole.
TEST(VideoReader, ReadsTwoRecordingsBehindOneAnother) {
  const std::string path = absl::StrCat(kTestdata, "joined.ts");
  const ReadVideo video = ReadAll(path);
  EXPECT_THAT(video.end, IsOk());
  EXPECT_EQ(video.damage, "");
  ASSERT_EQ(video.frames.size(), 50u);
  EXPECT_THAT(CountFrames(path), IsOkAndHolds(50));
  // The second goes on where the first ended: 2 s in all.
  const double seconds =
      static_cast<double>(video.frames.back().pts - video.frames[0].pts) *
      video.info.time_base.value();
  EXPECT_NEAR(seconds, 2, 0.1);
}

// Each recording has a stream of its own: 6 frames of 12 are read.
TEST(VideoReader, SaysThatARecordingInAnotherStreamIsNotRead) {
  const std::string path = absl::StrCat(kTestdata, "joined-other-pids.ts");
  const ReadVideo video = ReadAll(path);
  EXPECT_EQ(video.frames.size(), 6u);
  EXPECT_THAT(video.end,
              StatusIs(StatusCode::kDataLoss,
                       AllOf(HasSubstr(path), HasSubstr("at byte 3948 "))));
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
  // An hour of one recording may be missing just as well.
  EXPECT_THAT(ReadAll(joined).end,
              StatusIs(StatusCode::kDataLoss,
                       HasSubstr("a piece is missing there, or two "
                                 "recordings were joined there")));
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

// The last frame of a screen recording may be shown on for long.
TEST(VideoReader, TakesEmptyPacketsAtTheEndForNoFrames) {
  const std::string still = TempPath("still.webm"),
                    path = TempPath("still.avi");
  WriteNumberedVideo(still, cv::Size(96, 64), 6);
  Remux(still, path, /*seconds_later=*/0, /*unit=*/{1, 50});  // two a frame
  const std::string bytes = Contents(path);
  ASSERT_EQ(bytes.substr(bytes.find("idx1") - 8, 8), "00dc\0\0\0\0"s);
  const ReadVideo video = ReadAll(path);
  EXPECT_THAT(video.end, IsOk());
  EXPECT_EQ(Indices(video), Range(6));
  EXPECT_EQ(video.info.num_frames, 6);
}

// VP8 stores frames that are not shown, each in a piece of an AVI.
TEST(VideoReader, TakesHiddenFramesOfAnAviForNoLoss) {
  const std::string path = TempPath("hidden.avi");
  Remux(absl::StrCat(kTestdata, "turned-while-recording.webm"), path);
  const size_t frames = ReadAll(path).frames.size();
  std::string bytes = Contents(path);
  // The second one that is not empty.
  size_t piece = bytes.find("00dc");
  do {
    piece = bytes.find("00dc", piece + 1);
  } while (bytes.substr(piece + 4, 4) == "\0\0\0\0"s);
  constexpr char kShow = 0x10;
  ASSERT_TRUE(bytes[piece + 8] & kShow);
  bytes[piece + 8] ^= kShow;
  ASSERT_THAT(WriteAtomically(path, bytes), IsOk());
  const ReadVideo video = ReadAll(path);
  EXPECT_THAT(video.end, IsOk());
  EXPECT_EQ(video.frames.size(), frames - 1);
}

// Of 63 stored frames the first 13 cannot be decoded.
TEST(VideoReader, SaysThatARecordingBeginsBetweenKeyFrames) {
  const std::string path =
      absl::StrCat(kTestdata, "begins-between-keyframes.ts");
  EXPECT_THAT(ReadAll(path).end,
              StatusIs(StatusCode::kDataLoss,
                       AllOf(HasSubstr(path), HasSubstr("two key frames"))));
  FrameSourceOptions options;
  options.allow_damaged = true;
  const ReadVideo video = ReadAll(path, options);
  EXPECT_THAT(video.end, IsOk());
  EXPECT_EQ(video.frames.size(), 50u);
  EXPECT_THAT(video.damage, AllOf(HasSubstr("13 of 63 frames are lost"),
                                  HasSubstr("at the beginning")));
}

// Their decoders leave out the first frames without a word, or show grey ones.
// Of MPEG-2, the two B frames behind the key frame refer to what is missing.
TEST(VideoReader, DecodesNothingBeforeTheFirstKeyFrame) {
  for (const char* name : {"begins-between-keyframes-mpeg2.ts",
                           "begins-between-keyframes-hevc.ts"}) {
    const std::string path = absl::StrCat(kTestdata, name);
    EXPECT_THAT(ReadAll(path).end,
                StatusIs(StatusCode::kDataLoss,
                         AllOf(HasSubstr(path), HasSubstr("two key frames"))));
    EXPECT_FALSE(CountFrames(path).ok());
    FrameSourceOptions options;
    options.allow_damaged = true;
    const ReadVideo video = ReadAll(path, options);
    EXPECT_THAT(video.end, IsOk());
    EXPECT_EQ(video.frames.size(), 18u) << name;
    EXPECT_THAT(video.damage, AllOf(HasSubstr("7 of 25 frames are lost"),
                                    HasSubstr("at the beginning")));
  }
}

TEST_F(TransportStream, IsInOrderAlsoWhereAnotherOneBegins) {
  EXPECT_THAT(Order(sound_).flaw, IsOk());
  EXPECT_EQ(Order(sound_).num_joints, 0);
  const PacketOrder twice = Order(sound_ + sound_);
  EXPECT_THAT(twice.flaw, IsOk());
  EXPECT_EQ(twice.num_joints, 1);
  EXPECT_THAT(Order(std::string(1000, ' ')).flaw, IsOk());
  const ReadVideo video = Read(sound_ + sound_);
  EXPECT_THAT(video.end, IsOk());
  EXPECT_EQ(video.frames.size(), 40u);
}

// FFmpeg looks for tracks in the first seconds alone.
TEST_F(TransportStream, SaysThatSoundBeginsTooLate) {
  WriteSound(TempPath("late.m4a"), 0.8);
  const std::string with_sound = TempPath("with sound.ts");
  MergeSound({TempPath("plain.mp4"), TempPath("late.m4a")}, {"und", "und"},
             with_sound);
  std::string joined;
  for (int i = 0; i < 15; ++i) joined += sound_;
  joined += Contents(with_sound);
  const std::string path = TempPath("late.ts");
  ASSERT_THAT(WriteAtomically(path, joined), IsOk());
  for (const bool is_counted : {false, true}) {
    const auto reader = VideoReader::Open(path);
    ASSERT_THAT(reader, IsOk());
    EXPECT_FALSE((*reader)->info().has_audio);
    EXPECT_THAT((*reader)->info().warnings, IsEmpty());
    if (is_counted) {
      EXPECT_THAT((*reader)->Count(), IsOkAndHolds(320));
    } else {
      EXPECT_EQ(ReadAll(**reader).size(), 320u);
    }
    EXPECT_THAT((*reader)->info().warnings,
                ElementsAre(HasSubstr("begins too late")));
  }
}

// One recording ends in the middle of a frame, between two packets.
TEST_F(TransportStream, IsNotWholeWhereOneIsCutBeforeAnother) {
  const std::string cut = sound_.substr(0, PieceAt(0) + kTransportPacket);
  const std::string joined = sound_ + cut + sound_;
  const PacketOrder order = Order(joined);
  EXPECT_EQ(order.num_joints, 1);
  EXPECT_THAT(order.flaw.message(), HasSubstr("joined"));
  EXPECT_THAT(Read(joined).end,
              StatusIs(StatusCode::kDataLoss, HasSubstr("joined")));
}

// As after bad reception: what is left is in order of time.
TEST_F(TransportStream, LacksAWholeFrame) {
  const std::string lost =
      sound_.substr(0, PieceAt(5)) + sound_.substr(PieceAt(6));
  const PacketOrder order = Order(sound_ + lost);
  EXPECT_EQ(order.num_joints, 1);
  EXPECT_THAT(order.flaw.message(),
              HasSubstr(absl::StrCat("jump at byte ",
                                     sound_.size() + PieceAt(5), ": a piece")));
  EXPECT_THAT(
      Read(sound_ + lost).end,
      StatusIs(StatusCode::kDataLoss, HasSubstr("a piece is missing there")));
}

TEST_F(TransportStream, SaysThatAPacketIsMarkedAsDamaged) {
  sound_[PieceAt(5) + 1] |= static_cast<char>(0x80);
  EXPECT_THAT(Read(sound_).end,
              StatusIs(StatusCode::kDataLoss,
                       HasSubstr(absl::StrCat("its packet at byte ", PieceAt(5),
                                              " is marked as received"))));
}

// FFmpeg's parser joins it to the frame before.
TEST_F(TransportStream, FindsAFrameThatDoesNotSayThatItBegins) {
  sound_[PieceAt(5) + 1] ^= 0x40;
  EXPECT_THAT(Read(sound_).end,
              StatusIs(StatusCode::kDataLoss, HasSubstr("damaged at byte")));
}

// The first frame of a stream is flagged, and its parser drops the flag.
TEST_F(TransportStream, LacksTheSecondFrame) {
  sound_[PieceAt(1) + 1] ^= 2;  // another stream's
  EXPECT_THAT(
      Read(sound_).end,
      StatusIs(StatusCode::kDataLoss, HasSubstr("a piece is missing there")));
}

// Of sound, pieces state their size.
TEST_F(TransportStream, HasAllBytesThatAPieceStates) {
  WriteSound(TempPath("tone.m4a"), 1);
  Remux(TempPath("tone.m4a"), TempPath("tone.ts"));
  std::string tone = Contents(TempPath("tone.ts"));
  EXPECT_THAT(Order(tone).flaw, IsOk());
  EXPECT_EQ(Order(tone + tone).num_joints, 1);
  const size_t at = PieceAt(tone, 0);
  const size_t adaptation = static_cast<uint8_t>(tone[at + 4]) + 1u;
  const size_t begin = at + 4 + (tone[at + 3] & 0x20 ? adaptation : 0);
  ASSERT_EQ(tone.substr(begin, 3), std::string("\0\0\1", 3));
  tone[begin + 4] = '\x7f';
  EXPECT_THAT(Order(tone).flaw.message(),
              HasSubstr(absl::StrCat("before byte ", PieceAt(tone, 1), " ")));
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
  const ReadVideo video =
      Read(sound_.substr(kTransportPacket - 50, 50) + sound_);
  EXPECT_THAT(video.end, IsOk());
  EXPECT_EQ(video.frames.size(), 20u);
}

}  // namespace
}  // namespace pipelines::media
