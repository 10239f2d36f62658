#include "pipelines/media/audio_encoder.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/files/atomic_file.h"
#include "networks/files/read_file.h"
#include "pipelines/media/ffmpeg_util.h"
#include "pipelines/media/open_input.h"
#include "pipelines/media/video_test_util.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines::media {
namespace {

using ::absl::StatusCode;
using ::testing::AllOf;
using ::testing::HasSubstr;

// A file that sound is encoded into.
class Output {
 public:
  explicit Output(const std::string& path) : path_(path) {
    EXPECT_GE(avformat_alloc_output_context2(&format_, nullptr, nullptr,
                                             path.c_str()),
              0);
  }
  ~Output() {
    if (format_->pb != nullptr) avio_closep(&format_->pb);
    avformat_free_context(format_);
  }
  void Begin() {
    ASSERT_GE(avio_open(&format_->pb, path_.c_str(), AVIO_FLAG_WRITE), 0);
    ASSERT_GE(avformat_write_header(format_, nullptr), 0);
  }
  void End() { ASSERT_GE(av_write_trailer(format_), 0); }
  AVFormatContext* format() { return format_; }

 private:
  std::string path_;
  AVFormatContext* format_ = nullptr;
};

struct Encoded {
  std::string codec;
  int64_t num_lost = 0;
  Sound sound;
};

// `from`, encoded into a file named `to`. `change` may change the packet of
// that number, or leave it out by returning false.
Encoded Encode(const std::string& from,
               const std::vector<const char*>& encoders, const std::string& to,
               const std::function<bool(int, AVPacket*)>& change = nullptr) {
  const std::string path = TempPath(to);
  const auto input = OpenInput({from});
  EXPECT_THAT(input, IsOk());
  EXPECT_THAT(FindStreams(input->get(), from), IsOk());
  Encoded encoded;
  Output output(path);
  auto encoder = AudioEncoder::Create(*(*input)->streams[0], encoders,
                                      output.format(), from);
  EXPECT_THAT(encoder, IsOk());
  if (!encoder.ok()) return encoded;
  output.Begin();
  const PacketPtr packet(av_packet_alloc());
  for (int i = 0; av_read_frame(input->get(), packet.get()) >= 0; ++i) {
    if (!change || change(i, packet.get())) {
      EXPECT_THAT((*encoder)->Write(*packet), IsOk());
    }
    av_packet_unref(packet.get());
  }
  EXPECT_THAT((*encoder)->Finish(), IsOk());
  output.End();
  encoded.codec = (*encoder)->codec();
  encoded.num_lost = (*encoder)->num_lost();
  encoded.sound = ReadSound(path);
  return encoded;
}

std::string Tone(const std::string& name) {
  const std::string path = TempPath(name);
  WriteSound(path, 1.5);
  return path;
}

TEST(AudioEncoder, LosesNothingWhereItDoesNotCompress) {
  const std::string tone = Tone("tone.wav");
  const Encoded encoded = Encode(tone, {"pcm_s16le"}, "same.mov");
  EXPECT_EQ(encoded.codec, "pcm_s16le");
  EXPECT_EQ(encoded.num_lost, 0);
  // A mono tone is written as the one channel that it is.
  EXPECT_EQ(encoded.sound.samples, ReadSound(tone).samples);
}

TEST(AudioEncoder, KeepsTheRateWhereTheCodecHasIt) {
  const std::string tone = Tone("rate.wav");
  EXPECT_EQ(Encode(tone, {"aac"}, "rate.mp4").sound.rate, 16000);
  EXPECT_EQ(Encode(tone, {"libopus"}, "rate.webm").sound.rate, 48000);
}

TEST(AudioEncoder, KeepsAllChannelsWhereItDoesNotCompress) {
  const std::string from = Tone("surround.wav");
  SetWavChannels(from, 8);
  EXPECT_EQ(Encode(from, {"pcm_s16le"}, "surround.mov").num_lost, 0);
  const std::string path = TempPath("surround.mov");
  const auto kept = OpenInput({path});
  ASSERT_THAT(kept, IsOk());
  ASSERT_THAT(FindStreams(kept->get(), path), IsOk());
  EXPECT_EQ((*kept)->streams[0]->codecpar->ch_layout.nb_channels, 8);
}

// As six channels of AC-3 and DTS are, which libopus refuses and AAC has no
// number for.
TEST(AudioEncoder, MovesSideChannelsToTheBackWhereItCompresses) {
  const std::string from = Tone("side.wav");
  std::string wav = *networks::files::ReadFile(from);
  wav[16] = 40;  // bytes of the format, which is extensible
  wav[20] = '\xFE';
  wav[21] = '\xFF';
  wav[22] = 6;   // channels
  wav[32] = 12;  // bytes of a sample of all
  // Front, low frequencies and sides, of PCM.
  wav.insert(36, std::string("\x16\0\x10\0\x0F\x06\0\0"
                             "\x01\0\0\0\0\0\x10\0"
                             "\x80\0\0\xAA\0\x38\x9B\x71",
                             24));
  ASSERT_THAT(networks::files::WriteAtomically(from, wav), IsOk());
  const auto layout = [](const std::string& path) {
    const auto input = OpenInput({path});
    EXPECT_THAT(input, IsOk());
    EXPECT_THAT(FindStreams(input->get(), path), IsOk());
    char name[32];
    av_channel_layout_describe(&(*input)->streams[0]->codecpar->ch_layout, name,
                               sizeof(name));
    return std::string(name);
  };
  ASSERT_EQ(layout(from), "5.1(side)");
  Encode(from, {"libopus"}, "side.webm");
  EXPECT_EQ(layout(TempPath("side.webm")), "5.1");
  Encode(from, {"aac"}, "side.mp4");
  EXPECT_EQ(layout(TempPath("side.mp4")), "5.1");
  Encode(from, {"pcm_s16le"}, "side.avi");
  EXPECT_EQ(layout(TempPath("side.avi")), "5.1(side)");
}

TEST(AudioEncoder, KeepsLengthAndLoudness) {
  for (const char* from : {"length.wav", "length.m4a"}) {
    const Encoded encoded = Encode(Tone(from), {"libopus"}, "length.webm");
    const Sound& sound = encoded.sound;
    // Codecs begin and end with whole frames, at most 64 ms of AAC.
    EXPECT_NEAR(static_cast<double>(sound.samples.size()) / sound.rate, 1.5,
                0.13);
    double squares = 0;
    const size_t begin = static_cast<size_t>(sound.rate) / 4;
    const size_t end = begin + static_cast<size_t>(sound.rate);
    ASSERT_LT(end, sound.samples.size());
    for (size_t i = begin; i < end; ++i) {
      squares += sound.samples[i] * sound.samples[i];
    }
    // The tone of WriteSound: 0.3 sin.
    EXPECT_NEAR(std::sqrt(squares / sound.rate), 0.3 / std::sqrt(2.0), 0.02);
  }
}

TEST(AudioEncoder, TakesTheFirstEncoderThatThereIs) {
  const std::string tone = Tone("first.wav");
  EXPECT_EQ(Encode(tone, {"no_such_encoder", "aac"}, "first.mp4").codec, "aac");
  const auto input = OpenInput({tone});
  ASSERT_THAT(input, IsOk());
  ASSERT_THAT(FindStreams(input->get(), tone), IsOk());
  Output output(TempPath("none.mp4"));
  EXPECT_THAT(
      AudioEncoder::Create(*(*input)->streams[0],
                           {"no_such_encoder", "nor_this"}, output.format(),
                           tone),
      StatusIs(StatusCode::kUnimplemented,
               AllOf(HasSubstr("no_such_encoder"), HasSubstr("nor_this"))));
}

TEST(AudioEncoder, SaysThatItHasNoDecoder) {
  const std::string tone = Tone("unknown.wav");
  const auto input = OpenInput({tone});
  ASSERT_THAT(input, IsOk());
  ASSERT_THAT(FindStreams(input->get(), tone), IsOk());
  AVStream* const stream = (*input)->streams[0];
  stream->codecpar->codec_id = AV_CODEC_ID_NONE;
  Output output(TempPath("undecoded.mp4"));
  EXPECT_THAT(
      AudioEncoder::Create(*stream, {"aac"}, output.format(), tone),
      StatusIs(StatusCode::kUnimplemented, HasSubstr("no decoder for")));
}

// What is missing is silent, and what follows keeps its time.
TEST(AudioEncoder, FillsWhatIsMissingWithSilence) {
  const std::string tone = Tone("gap.wav");
  const std::vector<float> whole = ReadSound(tone).samples;
  int64_t begin = 0, end = 0;  // of what is left out, in samples
  const Encoded encoded =
      Encode(tone, {"pcm_s16le"}, "gap.mov", [&](int number, AVPacket* packet) {
        if (number == 2) begin = packet->pts;
        if (number == 5) end = packet->pts;
        return number < 2 || number >= 5;
      });
  ASSERT_GT(end, begin + 16000 / 20);
  ASSERT_EQ(encoded.sound.samples.size(), whole.size());
  for (size_t i = 0; i < whole.size(); ++i) {
    const auto at = static_cast<int64_t>(i);
    const bool is_missing = at >= begin && at < end;
    ASSERT_EQ(encoded.sound.samples[i], is_missing ? 0 : whole[i]) << i;
  }
}

// Rounding of times, which lets a hundredth of a second be missing, fills
// nothing.
TEST(AudioEncoder, TakesASmallStepOfTheClockForRounding) {
  const std::string tone = Tone("step.wav");
  const Encoded encoded =
      Encode(tone, {"pcm_s16le"}, "step.mov", [](int number, AVPacket* packet) {
        if (number >= 3) packet->pts += 160;
        if (number >= 3) packet->dts += 160;
        return true;
      });
  EXPECT_EQ(encoded.sound.samples, ReadSound(tone).samples);
}

TEST(AudioEncoder, CountsWhatCannotBeDecodedAndKeepsTheTimeOfTheRest) {
  const std::string tone = Tone("damaged.m4a");
  const Encoded encoded = Encode(
      tone, {"pcm_s16le"}, "damaged.mov", [](int number, AVPacket* packet) {
        if (number == 8 || number == 9) {
          std::fill_n(packet->data, packet->size, uint8_t{0xff});
        }
        return true;
      });
  EXPECT_EQ(encoded.num_lost, 2);
  EXPECT_EQ(encoded.sound.samples.size(), ReadSound(tone).samples.size());
}

}  // namespace
}  // namespace pipelines::media
