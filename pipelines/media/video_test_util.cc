#include "pipelines/media/video_test_util.h"

#include <sys/stat.h>

#include <cmath>
#include <cstdint>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "networks/files/atomic_file.h"
#include "networks/files/read_file.h"
#include "opencv2/imgcodecs.hpp"
#include "opencv2/imgproc.hpp"
#include "pipelines/media/ffmpeg_util.h"
#include "pipelines/media/image_io.h"
#include "pipelines/media/open_input.h"
#include "pipelines/media/pixel_converter.h"
#include "pipelines/media/video_writer.h"
#include "third_party/ffmpeg/sample_formats.h"

namespace pipelines::media {
namespace {

// Six bits in the brightness of 2 x 3 blocks.
constexpr int kBlocksAcross = 3, kBlocksDown = 2;

cv::Rect Block(cv::Size size, int bit) {
  const int width = size.width / kBlocksAcross;
  const int height = size.height / kBlocksDown;
  return cv::Rect(bit % kBlocksAcross * width, bit / kBlocksAcross * height,
                  width, height);
}

// Of the times of frames and packets.
AVRational UnitOf(const AVCodecContext& encoder) {
  if (encoder.codec_type == AVMEDIA_TYPE_VIDEO) return encoder.time_base;
  return {1, encoder.sample_rate};
}

// Sends `frame` (null at the end) and writes the packets that come out.
void Encode(AVCodecContext* encoder, const AVFrame* frame,
            AVFormatContext* output) {
  ASSERT_GE(avcodec_send_frame(encoder, frame), 0);
  const PacketPtr packet(av_packet_alloc());
  while (avcodec_receive_packet(encoder, packet.get()) >= 0) {
    av_packet_rescale_ts(packet.get(), UnitOf(*encoder),
                         output->streams[0]->time_base);
    ASSERT_GE(av_write_frame(output, packet.get()), 0);
  }
}

void EncodeTone(AVCodecContext* encoder, double seconds,
                AVFormatContext* output) {
  const FramePtr frame(av_frame_alloc());
  frame->nb_samples = encoder->frame_size > 0 ? encoder->frame_size : 1024;
  frame->format = encoder->sample_fmt;
  av_channel_layout_copy(&frame->ch_layout, &encoder->ch_layout);
  ASSERT_GE(av_frame_get_buffer(frame.get(), 0), 0);
  const bool is_float = encoder->sample_fmt == AV_SAMPLE_FMT_FLTP;
  for (int64_t at = 0; at < seconds * encoder->sample_rate;
       at += frame->nb_samples) {
    ASSERT_GE(av_frame_make_writable(frame.get()), 0);
    for (int i = 0; i < frame->nb_samples; ++i) {
      const float level = 0.3f * std::sin(0.1f * static_cast<float>(at + i));
      if (is_float) {
        reinterpret_cast<float*>(frame->data[0])[i] = level;
      } else {
        reinterpret_cast<int16_t*>(frame->data[0])[i] =
            static_cast<int16_t>(32767 * level);
      }
    }
    frame->pts = at;
    Encode(encoder, frame.get(), output);
  }
  Encode(encoder, nullptr, output);
}

// An open encoder of HEVC, or null.
CodecPtr HevcEncoder(cv::Size size, std::optional<Rational> stated_rate) {
  const AVCodec* codec = avcodec_find_encoder_by_name("libx265");
  if (codec == nullptr) return nullptr;
  CodecPtr encoder(avcodec_alloc_context3(codec));
  encoder->width = size.width;
  encoder->height = size.height;
  encoder->pix_fmt = AV_PIX_FMT_YUV420P;
  const Rational rate = stated_rate.value_or(Rational{25, 1});
  encoder->time_base = {rate.den, rate.num};
  const std::string options = absl::StrCat(
      "log-level=none", stated_rate ? "" : ":no-vui-timing-info=1");
  AVDictionary* dictionary = nullptr;
  av_dict_set(&dictionary, "x265-params", options.c_str(), 0);
  const int error = avcodec_open2(encoder.get(), codec, &dictionary);
  av_dict_free(&dictionary);
  if (error < 0) return nullptr;
  return encoder;
}

void EncodeNumbered(AVCodecContext* encoder, int num_frames,
                    AVFormatContext* output) {
  const FramePtr frame(av_frame_alloc());
  frame->width = encoder->width;
  frame->height = encoder->height;
  frame->format = encoder->pix_fmt;
  ASSERT_GE(av_frame_get_buffer(frame.get(), 0), 0);
  PixelConverter converter;
  for (int i = 0; i < num_frames; ++i) {
    ASSERT_GE(av_frame_make_writable(frame.get()), 0);
    ASSERT_TRUE(converter.Convert(
        NumberedFrame({frame->width, frame->height}, i), frame.get()));
    frame->pts = i;
    Encode(encoder, frame.get(), output);
  }
  Encode(encoder, nullptr, output);
}

std::string EncodePng(const cv::Mat& rgb) {
  cv::Mat bgr;
  cv::cvtColor(rgb, bgr, cv::COLOR_RGB2BGR);
  std::vector<uchar> bytes;
  cv::imencode(".png", bgr, bytes);
  return std::string(bytes.begin(), bytes.end());
}

}  // namespace

std::string TempPath(const std::string& name) {
  return testing::TempDir() + "/" + name;
}

std::string TempFolder(const std::string& name) {
  const std::string path = TempPath(name);
  mkdir(path.c_str(), 0755);
  return path;
}

cv::Mat NumberedFrame(cv::Size size, int index) {
  cv::Mat rgb(size, CV_8UC3, cv::Scalar(40, 40, 40));
  for (int bit = 0; bit < kBlocksAcross * kBlocksDown; ++bit) {
    const double level = index >> bit & 1 ? 200 : 40;
    // Red to the left, blue below: a turned frame is told from an upright one.
    rgb(Block(size, bit))
        .setTo(cv::Scalar(level + (bit % kBlocksAcross == 0 ? 40 : 0), level,
                          level + (bit / kBlocksAcross == 1 ? 40 : 0)));
  }
  return rgb;
}

int FrameIndex(const cv::Mat& rgb) {
  int index = 0;
  for (int bit = 0; bit < kBlocksAcross * kBlocksDown; ++bit) {
    const cv::Scalar mean = cv::mean(rgb(Block(rgb.size(), bit)));
    if (mean[1] > 120) index |= 1 << bit;
  }
  return index;
}

void WriteNumberedVideo(const std::string& path, cv::Size size, int num_frames,
                        Rational rate) {
  VideoWriterOptions options;
  options.width = size.width;
  options.height = size.height;
  options.frame_rate = rate;
  auto writer = VideoWriter::Create(path, options);
  ASSERT_TRUE(writer.ok()) << writer.status();
  for (int i = 0; i < num_frames; ++i) {
    const absl::Status status = (*writer)->Write(NumberedFrame(size, i));
    ASSERT_TRUE(status.ok()) << status;
  }
  const absl::Status status = (*writer)->Finish();
  ASSERT_TRUE(status.ok()) << status;
}

void WriteNumberedHevc(const std::string& path, cv::Size size, int num_frames,
                       std::optional<Rational> stated_rate) {
  SilenceFfmpeg();
  const CodecPtr encoder = HevcEncoder(size, stated_rate);
  ASSERT_TRUE(encoder != nullptr) << "no encoder of HEVC";
  AVFormatContext* output = nullptr;
  ASSERT_GE(
      avformat_alloc_output_context2(&output, nullptr, "hevc", path.c_str()),
      0);
  AVStream* stream = avformat_new_stream(output, nullptr);
  avcodec_parameters_from_context(stream->codecpar, encoder.get());
  ASSERT_GE(avio_open(&output->pb, path.c_str(), AVIO_FLAG_WRITE), 0);
  ASSERT_GE(avformat_write_header(output, nullptr), 0);
  EncodeNumbered(encoder.get(), num_frames, output);
  ASSERT_GE(av_write_trailer(output), 0);
  avio_closep(&output->pb);
  avformat_free_context(output);
}

void WriteNumberedMotionJpeg(const std::string& path, cv::Size size,
                             int num_frames) {
  std::string bytes;
  for (int i = 0; i < num_frames; ++i) {
    const auto jpeg = EncodeImage(NumberedFrame(size, i), ".jpg", path);
    ASSERT_TRUE(jpeg.ok()) << jpeg.status();
    bytes += *jpeg;
  }
  const absl::Status status = networks::files::WriteAtomically(path, bytes);
  ASSERT_TRUE(status.ok()) << status;
}

void WriteNumberedStack(const std::string& path, int side, int num_frames) {
  cv::Mat row(side, side * num_frames, CV_8UC3);
  for (int i = 0; i < num_frames; ++i) {
    NumberedFrame(cv::Size(side, side), i)
        .copyTo(row.colRange(i * side, (i + 1) * side));
  }
  const absl::Status status = networks::files::WriteAtomically(
      path, EncodePng(row));  // whatever its name says
  ASSERT_TRUE(status.ok()) << status;
}

void WriteNumberedFolder(const std::string& path, cv::Size size,
                         int num_frames) {
  mkdir(path.c_str(), 0755);
  for (int i = 0; i < num_frames; ++i) {
    // Names without leading zeros: frame 10 must not come before frame 2.
    const absl::Status status =
        WriteImage(absl::StrCat(path, "/", i, ".png"), NumberedFrame(size, i));
    ASSERT_TRUE(status.ok()) << status;
  }
}

void Remux(const std::string& from, const std::string& to, int seconds_later,
           Rational unit) {
  const auto input = OpenInput({from});
  ASSERT_TRUE(input.ok()) << input.status();
  ASSERT_TRUE(FindStreams(input->get(), from).ok());
  AVFormatContext* output = nullptr;
  ASSERT_GE(
      avformat_alloc_output_context2(&output, nullptr, nullptr, to.c_str()), 0);
  const AVStream* source = (*input)->streams[0];
  AVStream* stream = avformat_new_stream(output, nullptr);
  avcodec_parameters_copy(stream->codecpar, source->codecpar);
  stream->codecpar->codec_tag = 0;
  stream->time_base = ToFfmpeg(unit);
  ASSERT_GE(avio_open(&output->pb, to.c_str(), AVIO_FLAG_WRITE), 0);
  ASSERT_GE(avformat_write_header(output, nullptr), 0);
  const int64_t later =
      av_rescale_q(seconds_later, AVRational{1, 1}, stream->time_base);
  const PacketPtr packet(av_packet_alloc());
  while (av_read_frame(input->get(), packet.get()) >= 0) {
    av_packet_rescale_ts(packet.get(), source->time_base, stream->time_base);
    packet->pts += later;
    packet->dts += later;
    ASSERT_GE(av_interleaved_write_frame(output, packet.get()), 0);
  }
  ASSERT_GE(av_write_trailer(output), 0);
  avio_closep(&output->pb);
  avformat_free_context(output);
}

// The matrix stands in the track header: 16.16 fixed point, 40 bytes behind the
// box's name (version 0).
std::string TurnedMp4(std::string mp4, const std::vector<int>& abcd) {
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

void DamageInside(const std::string& path) {
  auto bytes = networks::files::ReadFile(path);
  ASSERT_TRUE(bytes.ok()) << bytes.status();
  for (size_t i = bytes->size() * 3 / 4; i < bytes->size(); ++i) {
    (*bytes)[i] = 0;
  }
  const absl::Status status = networks::files::WriteAtomically(path, *bytes);
  ASSERT_TRUE(status.ok()) << status;
}

void WriteSound(const std::string& path, double seconds, int rate) {
  SilenceFfmpeg();
  AVFormatContext* output = nullptr;
  ASSERT_GE(
      avformat_alloc_output_context2(&output, nullptr, nullptr, path.c_str()),
      0);
  const AVCodec* codec = avcodec_find_encoder(output->oformat->audio_codec);
  const CodecPtr encoder(avcodec_alloc_context3(codec));
  encoder->sample_rate = rate;
  encoder->sample_fmt = codec->id == AV_CODEC_ID_TTA  // of 8 bits, at first
                            ? AV_SAMPLE_FMT_S16
                            : ffmpeg::FirstSampleFormat(codec);
  av_channel_layout_default(&encoder->ch_layout, 1);
  if (output->oformat->flags & AVFMT_GLOBALHEADER) {
    encoder->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
  }
  ASSERT_GE(avcodec_open2(encoder.get(), codec, nullptr), 0);
  AVStream* stream = avformat_new_stream(output, nullptr);
  avcodec_parameters_from_context(stream->codecpar, encoder.get());
  ASSERT_GE(avio_open(&output->pb, path.c_str(), AVIO_FLAG_WRITE), 0);
  ASSERT_GE(avformat_write_header(output, nullptr), 0);
  EncodeTone(encoder.get(), seconds, output);
  ASSERT_GE(av_write_trailer(output), 0);
  avio_closep(&output->pb);
  avformat_free_context(output);
}

void SetWavChannels(const std::string& path, int channels) {
  std::string wav = *networks::files::ReadFile(path);
  wav[22] = static_cast<char>(channels);
  wav[32] = static_cast<char>(2 * channels);  // bytes of a sample of all
  ASSERT_TRUE(networks::files::WriteAtomically(path, wav).ok());
}

void MergeSound(const std::vector<std::string>& sounds,
                const std::vector<std::string>& languages,
                const std::string& to) {
  AVFormatContext* output = nullptr;
  ASSERT_GE(
      avformat_alloc_output_context2(&output, nullptr, nullptr, to.c_str()), 0);
  std::vector<InputPtr> inputs;
  for (size_t i = 0; i < sounds.size(); ++i) {
    auto input = OpenInput({sounds[i]});
    ASSERT_TRUE(input.ok()) << input.status();
    ASSERT_TRUE(FindStreams(input->get(), sounds[i]).ok());
    AVStream* stream = avformat_new_stream(output, nullptr);
    avcodec_parameters_copy(stream->codecpar, (*input)->streams[0]->codecpar);
    stream->codecpar->codec_tag = 0;
    av_dict_set(&stream->metadata, "language", languages[i].c_str(), 0);
    inputs.push_back(*std::move(input));
  }
  ASSERT_GE(avio_open(&output->pb, to.c_str(), AVIO_FLAG_WRITE), 0);
  ASSERT_GE(avformat_write_header(output, nullptr), 0);
  const PacketPtr packet(av_packet_alloc());
  for (size_t i = 0; i < inputs.size(); ++i) {
    while (av_read_frame(inputs[i].get(), packet.get()) >= 0) {
      packet->stream_index = static_cast<int>(i);
      av_packet_rescale_ts(packet.get(), inputs[i]->streams[0]->time_base,
                           output->streams[i]->time_base);
      ASSERT_GE(av_interleaved_write_frame(output, packet.get()), 0);
    }
  }
  ASSERT_GE(av_write_trailer(output), 0);
  avio_closep(&output->pb);
  avformat_free_context(output);
}

std::vector<SoundPacket> SoundPackets(const std::string& path) {
  std::vector<SoundPacket> packets;
  const auto input = OpenInput({path});
  EXPECT_TRUE(input.ok()) << input.status();
  if (!input.ok()) return packets;
  const int index =
      av_find_best_stream(input->get(), AVMEDIA_TYPE_AUDIO, -1, -1, nullptr, 0);
  const PacketPtr packet(av_packet_alloc());
  while (av_read_frame(input->get(), packet.get()) >= 0) {
    if (packet->stream_index == index) {
      packets.push_back({packet->pts, packet->dts,
                         std::string(reinterpret_cast<char*>(packet->data),
                                     static_cast<size_t>(packet->size))});
    }
    av_packet_unref(packet.get());
  }
  return packets;
}

namespace {

// The `i`th sample of the first channel, in -1 to 1.
float Sample(const AVFrame& frame, int i) {
  const auto format = static_cast<AVSampleFormat>(frame.format);
  if (!av_sample_fmt_is_planar(format)) i *= frame.ch_layout.nb_channels;
  switch (av_get_planar_sample_fmt(format)) {
    case AV_SAMPLE_FMT_FLTP:
      return reinterpret_cast<const float*>(frame.data[0])[i];
    case AV_SAMPLE_FMT_S32P:
      return static_cast<float>(
                 reinterpret_cast<const int32_t*>(frame.data[0])[i]) /
             2147483648.f;
    case AV_SAMPLE_FMT_S16P:
      return static_cast<float>(
                 reinterpret_cast<const int16_t*>(frame.data[0])[i]) /
             32768;
    default:
      ADD_FAILURE() << "samples of another kind: " << frame.format;
      return 0;
  }
}

// Adds the frames that `decoder` has ready.
void TakeSound(AVCodecContext* decoder, Sound* sound) {
  const FramePtr frame(av_frame_alloc());
  while (avcodec_receive_frame(decoder, frame.get()) >= 0) {
    if (sound->samples.empty()) {
      sound->rate = frame->sample_rate;
      sound->begin = static_cast<double>(frame->best_effort_timestamp) *
                     av_q2d(decoder->pkt_timebase);
    }
    for (int i = 0; i < frame->nb_samples; ++i) {
      sound->samples.push_back(Sample(*frame, i));
    }
  }
}

}  // namespace

Sound ReadSound(const std::string& path) {
  Sound sound;
  const auto input = OpenInput({path});
  EXPECT_TRUE(input.ok()) << input.status();
  if (!input.ok() || !FindStreams(input->get(), path).ok()) return sound;
  const int index =
      av_find_best_stream(input->get(), AVMEDIA_TYPE_AUDIO, -1, -1, nullptr, 0);
  EXPECT_GE(index, 0) << path;
  if (index < 0) return sound;
  const AVStream* stream = (*input)->streams[index];
  const AVCodec* codec = avcodec_find_decoder(stream->codecpar->codec_id);
  const CodecPtr decoder(avcodec_alloc_context3(codec));
  avcodec_parameters_to_context(decoder.get(), stream->codecpar);
  decoder->pkt_timebase = stream->time_base;
  decoder->request_sample_fmt = AV_SAMPLE_FMT_FLTP;
  EXPECT_GE(avcodec_open2(decoder.get(), codec, nullptr), 0);
  const PacketPtr packet(av_packet_alloc());
  while (av_read_frame(input->get(), packet.get()) >= 0) {
    if (packet->stream_index == index) {
      EXPECT_GE(avcodec_send_packet(decoder.get(), packet.get()), 0);
      TakeSound(decoder.get(), &sound);
    }
    av_packet_unref(packet.get());
  }
  avcodec_send_packet(decoder.get(), nullptr);
  TakeSound(decoder.get(), &sound);
  return sound;
}

}  // namespace pipelines::media
