#include "pipelines/media/video_demuxer.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/files/atomic_file.h"
#include "networks/files/read_file.h"
#include "pipelines/media/ffmpeg_util.h"
#include "pipelines/media/media_input.h"
#include "pipelines/media/open_input.h"
#include "pipelines/media/rational.h"
#include "pipelines/media/video_test_util.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines::media {
namespace {

using ::absl::StatusCode;
using ::testing::AllOf;
using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr int kFrames = 12;

struct Packets {
  std::vector<std::string> bytes;
  std::vector<int64_t> durations;
  int64_t num_shown = 0;  // by is_shown
  absl::Status end;
};

Packets ReadAll(VideoDemuxer* demuxer) {
  Packets packets;
  const PacketPtr packet(av_packet_alloc());
  while (true) {
    const absl::StatusOr<bool> read = demuxer->Next(packet.get());
    packets.end = read.status();
    if (!read.ok() || !*read) return packets;
    packets.num_shown += demuxer->is_shown() ? 1 : 0;
    packets.bytes.emplace_back(reinterpret_cast<char*>(packet->data),
                               static_cast<size_t>(packet->size));
    packets.durations.push_back(packet->duration);
  }
}

std::string Video(const std::string& ending) {
  const std::string path = TempPath(absl::StrCat("demuxed", ending));
  WriteNumberedVideo(path, {32, 32}, kFrames, {30000, 1001});
  return path;
}

struct Format {
  const char* ending;
  bool packets_are_frames;
  bool is_indexed;  // in front, so that frames are counted without reading
};

class EveryFormat : public testing::TestWithParam<Format> {};

INSTANTIATE_TEST_SUITE_P(
    Formats, EveryFormat,
    testing::Values(Format{".mp4", true, true}, Format{".mov", true, true},
                    Format{".mkv", true, false}, Format{".webm", true, false},
                    Format{".avi", false, true}),
    [](const auto& format) { return std::string(format.param.ending + 1); });

TEST_P(EveryFormat, GivesThePacketsOfTheVideoAndWhatTheContainerStates) {
  auto demuxer = VideoDemuxer::Open({Video(GetParam().ending)});
  ASSERT_THAT(demuxer, IsOk());
  EXPECT_EQ((*demuxer)->stream().codecpar->width, 32);
  EXPECT_FALSE((*demuxer)->has_audio());
  EXPECT_FALSE((*demuxer)->has_jumping_clock());
  EXPECT_EQ((*demuxer)->packets_are_frames(), GetParam().packets_are_frames);
  EXPECT_EQ((*demuxer)->num_indexed().has_value(), GetParam().is_indexed);
  EXPECT_EQ((*demuxer)->num_indexed().value_or(kFrames), kFrames);
  // Containers state times in milliseconds, or coarser.
  ASSERT_TRUE((*demuxer)->duration().has_value());
  EXPECT_NEAR(*(*demuxer)->duration(), kFrames * 1001 / 30000., 2e-3);
  EXPECT_NEAR(av_q2d((*demuxer)->frame_rate()), 30000 / 1001., 1e-2);
  const Packets packets = ReadAll(demuxer->get());
  EXPECT_THAT(packets.end, IsOk());
  EXPECT_EQ(packets.bytes.size(), size_t{kFrames});
  EXPECT_EQ(packets.num_shown, kFrames);
  EXPECT_EQ((*demuxer)->num_shown(), kFrames);
}

TEST_P(EveryFormat, GivesTheSamePacketsFromMemory) {
  const std::string path = Video(GetParam().ending);
  MediaInput in_memory;
  in_memory.name = "in memory";
  in_memory.bytes =
      std::make_shared<const std::string>(*networks::files::ReadFile(path));
  auto from_file = VideoDemuxer::Open({path});
  auto from_memory = VideoDemuxer::Open(in_memory);
  ASSERT_THAT(from_file, IsOk());
  ASSERT_THAT(from_memory, IsOk());
  EXPECT_TRUE(ReadAll(from_memory->get()).bytes ==
              ReadAll(from_file->get()).bytes);
}

// Wherever it is cut, the end is an error that names the file: no packet is
// missing in silence.
TEST_P(EveryFormat, MissesNoPacketInSilence) {
  const std::string path = Video(GetParam().ending);
  const std::string whole = *networks::files::ReadFile(path);
  const std::string cut = TempPath(absl::StrCat("cut", GetParam().ending));
  for (const double share : {0.3, 0.6, 0.9, 0.99}) {
    const auto size =
        static_cast<size_t>(share * static_cast<double>(whole.size()));
    ASSERT_THAT(networks::files::WriteAtomically(cut, whole.substr(0, size)),
                IsOk());
    auto demuxer = VideoDemuxer::Open({cut});
    const absl::Status end =
        demuxer.ok() ? ReadAll(demuxer->get()).end : demuxer.status();
    EXPECT_FALSE(end.ok()) << share;
    EXPECT_THAT(end.message(), HasSubstr(cut));
  }
}

TEST(VideoDemuxer, SaysHowManyFramesOfItsIndexAreMissing) {
  const std::string whole = *networks::files::ReadFile(Video(".mp4"));
  const std::string cut = TempPath("half.mp4");
  ASSERT_THAT(networks::files::WriteAtomically(
                  cut, whole.substr(0, whole.size() * 9 / 10)),
              IsOk());
  auto demuxer = VideoDemuxer::Open({cut});
  ASSERT_THAT(demuxer, IsOk());
  EXPECT_EQ((*demuxer)->num_indexed(), kFrames);
  EXPECT_THAT(ReadAll(demuxer->get()).end,
              StatusIs(StatusCode::kDataLoss,
                       AllOf(HasSubstr(cut), HasSubstr("truncated"))));
}

// Such a file states neither its length nor its number of frames.
TEST(VideoDemuxer, MissesNoPartOfARawFrameInSilence) {
  const std::string frame = "FRAME\n" + std::string(96, 'p');
  std::string whole = "YUV4MPEG2 W8 H8 F25:1 C420jpeg\n";
  for (int i = 0; i < kFrames; ++i) whole += frame;
  MediaInput input;
  input.name = "raw.y4m";
  for (const size_t missing : {0u, 1u, 10u, 96u, 98u, 101u}) {
    input.bytes = std::make_shared<const std::string>(
        whole.substr(0, whole.size() - missing));
    const auto demuxer = VideoDemuxer::Open(input);
    ASSERT_THAT(demuxer, IsOk());
    const Packets packets = ReadAll(demuxer->get());
    EXPECT_EQ(packets.bytes.size(), size_t{kFrames} - (missing > 0 ? 1 : 0));
    if (missing == 0) {
      EXPECT_THAT(packets.end, IsOk());
    } else {
      EXPECT_THAT(packets.end, StatusIs(StatusCode::kDataLoss,
                                        HasSubstr("raw.y4m: the file is "
                                                  "truncated: its last")))
          << missing;
    }
  }
}

TEST(VideoDemuxer, KnowsTheClockOfBroadcasts) {
  const std::string recording = TempPath("broadcast.ts");
  Remux(Video(".mp4"), recording);
  auto demuxer = VideoDemuxer::Open({recording});
  ASSERT_THAT(demuxer, IsOk());
  EXPECT_TRUE((*demuxer)->has_jumping_clock());
  EXPECT_EQ(ReadAll(demuxer->get()).bytes.size(), size_t{kFrames});
}

TEST(VideoDemuxer, GivesAStreamWithoutARateTheOneThatItIsTold) {
  MediaInput input;
  input.name = TempPath("without_rate.hevc");
  WriteNumberedHevc(input.name, {64, 64}, kFrames, /*stated_rate=*/{});
  for (const Rational rate :
       {input.image_rate, Rational{30000, 1001}, Rational{999999, 1000}}) {
    input.image_rate = rate;
    const auto demuxer = VideoDemuxer::Open(input);
    ASSERT_THAT(demuxer, IsOk());
    EXPECT_TRUE((*demuxer)->has_assumed_rate());
    EXPECT_EQ(FromFfmpeg((*demuxer)->frame_rate()), rate);
    EXPECT_EQ(FromFfmpeg((*demuxer)->time_base()),
              (Rational{rate.den, rate.num}));
    EXPECT_THAT(ReadAll(demuxer->get()).durations,
                AllOf(SizeIs(kFrames), Each(1)));
  }
}

TEST(VideoDemuxer, KeepsARateThatIsStated) {
  MediaInput input;
  input.image_rate = {12, 1};
  input.name = TempPath("with_rate.hevc");
  WriteNumberedHevc(input.name, {64, 64}, kFrames, Rational{30, 1});
  const auto raw = VideoDemuxer::Open(input);
  ASSERT_THAT(raw, IsOk());
  EXPECT_FALSE((*raw)->has_assumed_rate());
  EXPECT_EQ(FromFfmpeg((*raw)->frame_rate()), (Rational{30, 1}));
  const double unit = av_q2d((*raw)->time_base());
  for (const int64_t duration : ReadAll(raw->get()).durations) {
    EXPECT_NEAR(static_cast<double>(duration) * unit, 1 / 30., 1e-6);
  }
  // Containers may state any rate.
  input.name = TempPath("rate_of_none.mp4");
  WriteNumberedVideo(input.name, {32, 32}, kFrames, FromFfmpeg(kRateOfNone));
  const auto contained = VideoDemuxer::Open(input);
  ASSERT_THAT(contained, IsOk());
  EXPECT_FALSE((*contained)->has_assumed_rate());
  EXPECT_NEAR(av_q2d((*contained)->frame_rate()), av_q2d(kRateOfNone), 1e-2);
}

TEST(VideoDemuxer, NeedsAVideoStream) {
  const std::string sound = TempPath("only sound.wav");
  WriteSound(sound, 0.2);
  EXPECT_THAT(
      VideoDemuxer::Open({sound}),
      StatusIs(StatusCode::kInvalidArgument,
               AllOf(HasSubstr(sound), HasSubstr("holds no video stream"))));
  EXPECT_THAT(VideoDemuxer::Open({TempPath("absent.mp4")}),
              StatusIs(StatusCode::kNotFound, HasSubstr("absent.mp4")));
}

TEST(VideoDemuxer, LeavesOutTheSound) {
  const std::string sound = TempPath("beside.m4a");
  WriteSound(sound, 0.4);
  const std::string both = TempPath("both streams.mkv");
  MergeSound({Video(".mp4"), sound}, {"und", "und"}, both);
  auto demuxer = VideoDemuxer::Open({both});
  ASSERT_THAT(demuxer, IsOk());
  EXPECT_TRUE((*demuxer)->has_audio());
  EXPECT_EQ(ReadAll(demuxer->get()).bytes.size(), size_t{kFrames});
}

// Byte by byte, which players pass over, too.
TEST(VideoDemuxer, SaysThatAnotherFileIsJoinedToIt) {
  for (const char* ending : {".mp4", ".mov", ".wmv"}) {
    const std::string path = TempPath(absl::StrCat("demuxed", ending));
    if (absl::string_view(ending) == ".wmv") {
      Remux(Video(".mp4"), path);
    } else {
      Video(ending);
    }
    const std::string one = *networks::files::ReadFile(path);
    ASSERT_THAT(networks::files::WriteAtomically(path, one + one), IsOk());
    const auto demuxer = VideoDemuxer::Open({path});
    ASSERT_THAT(demuxer, IsOk());
    const Packets packets = ReadAll(demuxer->get());
    EXPECT_EQ(packets.bytes.size(), kFrames) << ending;
    EXPECT_THAT(packets.end,
                StatusIs(StatusCode::kDataLoss,
                         AllOf(HasSubstr(path),
                               HasSubstr(absl::StrCat("joined to it at byte ",
                                                      one.size(), ",")))));
  }
}

}  // namespace
}  // namespace pipelines::media
