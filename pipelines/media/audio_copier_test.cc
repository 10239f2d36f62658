#include "pipelines/media/audio_copier.h"

#include <cmath>
#include <filesystem>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/files/atomic_file.h"
#include "networks/files/read_file.h"
#include "pipelines/media/video_test_util.h"
#include "third_party/absl/status_macros.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines::media {
namespace {

using ::absl::StatusCode;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr double kAll = std::numeric_limits<double>::infinity();

// Copies the sound of `from` into a file named `to`, in the way of `copy`; what
// is warned of.
absl::StatusOr<std::vector<std::string>> CopySound(
    const std::string& from, const std::string& to,
    const std::function<absl::Status(AudioCopier*)>& copy) {
  AVFormatContext* output = nullptr;
  EXPECT_GE(
      avformat_alloc_output_context2(&output, nullptr, nullptr, to.c_str()), 0);
  const std::unique_ptr<AVFormatContext, void (*)(AVFormatContext*)> owner(
      output, [](AVFormatContext* format) {
        if (format->pb != nullptr) avio_closep(&format->pb);
        avformat_free_context(format);
      });
  std::vector<std::string> warnings;
  ASSIGN_OR_RETURN(const std::unique_ptr<AudioCopier> copier,
                   AudioCopier::Create({from}, output, &warnings));
  if (copier == nullptr) return warnings;
  EXPECT_GE(avio_open(&output->pb, to.c_str(), AVIO_FLAG_WRITE), 0);
  EXPECT_GE(avformat_write_header(output, nullptr), 0);
  RETURN_IF_ERROR(copy(copier.get()));
  RETURN_IF_ERROR(copier->Finish(&warnings));
  EXPECT_GE(av_write_trailer(output), 0);
  return warnings;
}

absl::Status CopyAll(AudioCopier* copier) { return copier->CopyUntil(kAll); }

std::string Tone(const std::string& name, double seconds = 1.5) {
  const std::string path = TempPath(name);
  WriteSound(path, seconds);
  return path;
}

// The root of the mean square.
double Loudness(const Sound& sound) {
  double sum = 0;
  for (const float sample : sound.samples) sum += double{sample} * sample;
  return std::sqrt(sum / static_cast<double>(sound.samples.size()));
}

// Of an mkv: times in milliseconds.
std::vector<SoundPacket> Copied(
    const std::string& from,
    const std::function<absl::Status(AudioCopier*)>& copy) {
  const std::string to = TempPath("copied.mkv");
  EXPECT_THAT(CopySound(from, to, copy), IsOkAndHolds(IsEmpty()));
  return SoundPackets(to);
}

TEST(AudioCopier, CopiesPacketsByteForByteWithTheirTimes) {
  const std::string tone = Tone("tone.m4a");
  for (const char* name : {"tone.mp4", "tone.mov"}) {
    const std::string to = TempPath(name);
    EXPECT_THAT(CopySound(tone, to, CopyAll), IsOkAndHolds(IsEmpty()));
    EXPECT_GT(SoundPackets(to).size(), 20u);
    EXPECT_TRUE(SoundPackets(to) == SoundPackets(tone)) << name;
  }
}

TEST(AudioCopier, CopiesTheSameInStepsAndAtOnce) {
  const std::string tone = Tone("steps.m4a");
  const auto in_steps = [](AudioCopier* copier) {
    for (int i = 0; i < 40; ++i) RETURN_IF_ERROR(copier->CopyUntil(0.04 * i));
    return copier->CopyUntil(kAll);
  };
  EXPECT_TRUE(Copied(tone, in_steps) == Copied(tone, CopyAll));
}

TEST(AudioCopier, CopiesWhatBeginsBeforeATime) {
  const std::string tone = Tone("until.wav");
  std::vector<SoundPacket> whole = Copied(tone, CopyAll);
  const std::vector<SoundPacket> half =
      Copied(tone, [](AudioCopier* copier) { return copier->CopyUntil(0.5); });
  ASSERT_FALSE(half.empty());
  ASSERT_LT(half.size(), whole.size());
  // An mkv rounds to milliseconds.
  EXPECT_LE(half.back().pts, 500);
  EXPECT_GE(whole[half.size()].pts, 500);
  whole.resize(half.size());
  EXPECT_TRUE(half == whole);
}

TEST(AudioCopier, LeavesOutWhatBeginsBeforeATime) {
  const std::string tone = Tone("after.wav");
  std::vector<SoundPacket> whole = Copied(tone, CopyAll);
  const std::vector<SoundPacket> rest = Copied(tone, [](AudioCopier* copier) {
    copier->LeaveOutBefore(0.5);
    return copier->CopyUntil(kAll);
  });
  ASSERT_FALSE(rest.empty());
  ASSERT_LT(rest.size(), whole.size());
  EXPECT_GE(rest.front().pts, 500);
  EXPECT_LE(whole[whole.size() - rest.size() - 1].pts, 500);
  whole.erase(whole.begin(), whole.end() - static_cast<int64_t>(rest.size()));
  EXPECT_TRUE(rest == whole);
}

TEST(AudioCopier, ShiftsAllTimesAlike) {
  const std::string tone = Tone("shifted.wav");
  const std::vector<SoundPacket> whole = Copied(tone, CopyAll);
  // Half a second, in frames of 24 a second, later.
  const std::vector<SoundPacket> later = Copied(tone, [](AudioCopier* copier) {
    copier->Shift(-12, {1, 24});
    return copier->CopyUntil(kAll);
  });
  ASSERT_EQ(later.size(), whole.size());
  for (size_t i = 0; i < whole.size(); ++i) {
    EXPECT_EQ(later[i].pts, whole[i].pts + 500) << i;
    EXPECT_TRUE(later[i].bytes == whole[i].bytes) << i;
  }
}

TEST(AudioCopier, SaysWhenTheSoundBegins) {
  const std::string tone = Tone("begin.wav", 0.2);
  std::optional<double> begin;
  EXPECT_THAT(CopySound(tone, TempPath("begin.mkv"),
                        [&](AudioCopier* copier) -> absl::Status {
                          ASSIGN_OR_RETURN(begin, copier->Begin());
                          return copier->CopyUntil(kAll);
                        }),
              IsOk());
  EXPECT_EQ(begin, 0);
}

// The first packet of AAC is its encoder's delay: at 8 kHz 0.128 s.
TEST(AudioCopier, TakesAnEncodersDelayForNoSound) {
  const std::string tone = TempPath("delayed.m4a");
  WriteSound(tone, /*seconds=*/0.5, /*rate=*/8000);
  ASSERT_EQ(SoundPackets(tone).front().pts, -1024);
  std::optional<double> begin;
  EXPECT_THAT(CopySound(tone, TempPath("delayed.mp4"),
                        [&](AudioCopier* copier) -> absl::Status {
                          ASSIGN_OR_RETURN(begin, copier->Begin());
                          return copier->CopyUntil(kAll);
                        }),
              IsOk());
  EXPECT_EQ(begin, 0);
}

TEST(AudioCopier, EncodesAnewWhatTheContainerCannotHold) {
  const std::string pcm = Tone("anew.wav"), aac = Tone("anew.m4a");
  struct {
    std::string from;
    const char* ending;
    const char* codec;
  } const kCases[] = {
      {pcm, ".mp4", "aac"}, {pcm, ".webm", "opus"}, {aac, ".webm", "opus"}};
  for (const auto& [from, ending, codec] : kCases) {
    EXPECT_THAT(
        CopySound(from, TempPath(absl::StrCat("anew", ending)), CopyAll),
        IsOkAndHolds(ElementsAre(AllOf(HasSubstr(from), HasSubstr(codec),
                                       HasSubstr("encoded anew")))));
  }
  EXPECT_THAT(CopySound(pcm, TempPath("kept.mkv"), CopyAll),
              IsOkAndHolds(IsEmpty()));
}

// What cameras, Windows and browsers write, which few containers hold as it is.
TEST(AudioCopier, KeepsTheSoundOfOthersInEachContainer) {
  struct Case {
    const char* from;
    const char* ending;
    const char* anew;  // what it is encoded as; "" where it is copied
  };
  constexpr Case kCases[] = {
      {"kept.wav", ".mp4", "aac"},        {"kept.wav", ".mkv", ""},
      {"kept.wav", ".webm", "opus"},      {"kept.wav", ".avi", ""},
      {"kept.wav", ".mov", ""},           {"kept.aiff", ".mp4", "aac"},
      {"kept.aiff", ".mkv", ""},          {"kept.aiff", ".webm", "opus"},
      {"kept.aiff", ".avi", "pcm_s16le"}, {"kept.aiff", ".mov", ""},
      {"kept.wma", ".mp4", "aac"},        {"kept.wma", ".mkv", ""},
      {"kept.wma", ".webm", "opus"},      {"kept.wma", ".avi", ""},
      {"kept.wma", ".mov", "aac"},        {"kept.flac", ".mp4", ""},
      {"kept.flac", ".mov", "aac"},       {"kept.flac", ".avi", "pcm_s16le"},
      {"kept.opus", ".mp4", ""},          {"kept.opus", ".mov", "aac"},
      {"kept.mp3", ".avi", ""},
  };
  for (const Case& c : kCases) {
    SCOPED_TRACE(absl::StrCat(c.from, " to ", c.ending));
    const std::string from = Tone(c.from);
    const std::string to = TempPath(absl::StrCat(c.from, c.ending));
    const auto warnings = CopySound(from, to, CopyAll);
    ASSERT_THAT(warnings, IsOk());
    EXPECT_THAT(absl::StrJoin(*warnings, "; "),
                *c.anew == '\0'
                    ? testing::Eq("")
                    : testing::Matcher<std::string>(
                          AllOf(HasSubstr(from), HasSubstr("encoded anew"),
                                HasSubstr(c.anew))));
    const Sound sound = ReadSound(to), original = ReadSound(from);
    ASSERT_GT(sound.rate, 0);
    // A codec's frames are at most 2048 samples of 16 kHz.
    EXPECT_NEAR(static_cast<double>(sound.samples.size()) / sound.rate, 1.5,
                0.15);
    EXPECT_NEAR(Loudness(sound), Loudness(original), 0.02);
    EXPECT_GT(Loudness(original), 0.05);
    // Uncompressed, 1.5 s of Opus at 48 kHz are 144,000 bytes.
    EXPECT_LT(std::filesystem::file_size(to), 200000u);
  }
}

// FFmpeg writes empty packets between those of E-AC-3.
TEST(AudioCopier, EncodesAnewWhatAnAviCannotCount) {
  for (const auto& [name, warning] :
       {std::pair("dolby.ac3", ""), std::pair("dolby.eac3", "pcm_s16le")}) {
    const std::string from = TempPath(name);
    WriteSound(from, /*seconds=*/0.5, /*rate=*/48000);
    const std::string to = TempPath("dolby.avi");
    const auto warnings = CopySound(from, to, CopyAll);
    ASSERT_THAT(warnings, IsOk());
    EXPECT_EQ(warnings->size(), *warning == '\0' ? 0u : 1u) << name;
    EXPECT_THAT(absl::StrJoin(*warnings, ""), HasSubstr(warning));
    // Uncompressed, it is 48,000 bytes.
    EXPECT_LT(std::filesystem::file_size(to), 64000u) << name;
  }
}

// Which could hold it, but browsers would be silent.
TEST(AudioCopier, EncodesDolbysSoundAnewForMp4) {
  for (const char* name : {"browsers.ac3", "browsers.eac3"}) {
    SCOPED_TRACE(name);
    const std::string from = TempPath(name);
    WriteSound(from, /*seconds=*/1.5, /*rate=*/48000);
    const std::string to = TempPath(absl::StrCat(name, ".mp4"));
    EXPECT_THAT(CopySound(from, to, CopyAll),
                IsOkAndHolds(ElementsAre(
                    AllOf(HasSubstr(from), HasSubstr("encoded anew as aac")))));
    const Sound sound = ReadSound(to), original = ReadSound(from);
    EXPECT_EQ(sound.rate, 48000);
    EXPECT_NEAR(static_cast<double>(sound.samples.size()) / sound.rate, 1.5,
                0.15);
    EXPECT_NEAR(Loudness(sound), Loudness(original), 0.02);
    EXPECT_GT(Loudness(original), 0.05);
  }
}

// Its header is made of the length of the file, beyond which nothing is read.
TEST(AudioCopier, EncodesTtaAnewForMkv) {
  EXPECT_THAT(CopySound(Tone("kept.tta"), TempPath("tta.mkv"), CopyAll),
              IsOkAndHolds(ElementsAre(HasSubstr("encoded anew as aac"))));
}

TEST(AudioCopier, SaysHowManyChannelsAreLost) {
  const std::string from = Tone("surround.wav");
  SetWavChannels(from, 8);
  EXPECT_THAT(CopySound(from, TempPath("surround.mp4"), CopyAll),
              IsOkAndHolds(ElementsAre(
                  HasSubstr("encoded anew as aac with 2 of 8 channels, for"))));
}

TEST(AudioCopier, EncodesMp3OfLowRatesAnewForMp4) {
  const auto copied_to = [](int rate, const char* ending) {
    const std::string from = TempPath(absl::StrCat(rate, ".mp3"));
    WriteSound(from, /*seconds=*/0.5, rate);
    return CopySound(from, TempPath(absl::StrCat(rate, ending)), CopyAll);
  };
  EXPECT_THAT(copied_to(16000, ".mp4"), IsOkAndHolds(IsEmpty()));
  EXPECT_THAT(copied_to(8000, ".mov"), IsOkAndHolds(IsEmpty()));
  EXPECT_THAT(copied_to(8000, ".mp4"),
              IsOkAndHolds(ElementsAre(AllOf(
                  HasSubstr("8000.mp3"), HasSubstr("encoded anew as aac")))));
}

TEST(AudioCopier, SaysWhyThereIsNothingToCopy) {
  const std::string mute = TempPath("mute.mp4");
  WriteNumberedVideo(mute, {32, 32}, 2);
  EXPECT_THAT(CopySound(mute, TempPath("silent.mp4"), CopyAll),
              IsOkAndHolds(ElementsAre(
                  AllOf(HasSubstr(mute), HasSubstr("has no audio")))));
  const std::string tone = Tone("no gif.wav", 0.2);
  EXPECT_THAT(CopySound(tone, TempPath("silent.gif"), CopyAll),
              IsOkAndHolds(ElementsAre(
                  AllOf(HasSubstr(tone), HasSubstr("a gif holds no sound")))));
  EXPECT_THAT(CopySound(TempPath("absent.wav"), TempPath("a.mp4"), CopyAll),
              StatusIs(StatusCode::kNotFound, HasSubstr("absent.wav")));
}

// As where a broadcast lists a language that nobody speaks.
TEST(AudioCopier, LeavesOutATrackWithoutAPacket) {
  const std::string tone = Tone("listed.m4a");
  const std::string stream = TempPath("listed.ts");
  MergeSound({tone, tone}, {"deu", "eng"}, stream);
  constexpr size_t kTransportPacket = 188;
  const std::string both = *networks::files::ReadFile(stream);
  std::string one;
  for (size_t at = 0; at < both.size(); at += kTransportPacket) {
    const bool is_second = (both[at + 1] & 0x1f) == 1 && both[at + 2] == 1;
    if (!is_second) one += both.substr(at, kTransportPacket);
  }
  ASSERT_LT(one.size(), both.size());
  ASSERT_THAT(networks::files::WriteAtomically(stream, one), IsOk());
  for (const char* ending : {".mp4", ".mov", ".mkv"}) {
    const std::string to = TempPath(absl::StrCat("listed", ending));
    EXPECT_THAT(
        CopySound(stream, to, CopyAll),
        IsOkAndHolds(ElementsAre(
            AllOf(HasSubstr(stream), HasSubstr("empty or begins too late")))));
    EXPECT_GT(SoundPackets(to).size(), 20u) << ending;
  }
}

// Behind one another, two recordings have two clocks: the sound of the second
// goes on where that of the first ended.
TEST(AudioCopier, GoesOnWhereTheClockBeginsAnew) {
  const std::string tone = Tone("first.m4a", 1), ts = TempPath("first.ts");
  Remux(tone, ts, /*seconds_later=*/40, {1, 16000});
  const std::string again = TempPath("again.ts");
  Remux(tone, again, /*seconds_later=*/5, {1, 16000});
  const std::string both = TempPath("both.ts");
  ASSERT_THAT(networks::files::WriteAtomically(
                  both, absl::StrCat(*networks::files::ReadFile(ts),
                                     *networks::files::ReadFile(again))),
              IsOk());
  const std::vector<SoundPacket> one = Copied(ts, CopyAll);
  const std::vector<SoundPacket> two = Copied(both, CopyAll);
  ASSERT_EQ(two.size(), 2 * one.size());
  for (size_t i = 1; i < two.size(); ++i) {
    // A packet of 1024 samples at 16 kHz lasts 64 ms, up to rounding.
    EXPECT_NEAR(two[i].pts - two[i - 1].pts, 64, 1) << i;
  }
}

}  // namespace
}  // namespace pipelines::media
