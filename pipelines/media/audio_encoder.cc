#include "pipelines/media/audio_encoder.h"

#include <algorithm>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "third_party/absl/status_macros.h"
#include "third_party/ffmpeg/sample_formats.h"

namespace pipelines::media {
namespace {

constexpr int kCommonRate = 48000;

// Bits a second and channel that are hardly told from the original.
constexpr int64_t kBitRate = 96000;

// [ISO 14496-3, 1.6.3.4] The rates that AAC has.
constexpr int kAacRates[] = {96000, 88200, 64000, 48000, 44100, 32000, 24000,
                             22050, 16000, 12000, 11025, 8000,  7350};

int EncodedRate(AVCodecID codec, int rate) {
  switch (codec) {
    case AV_CODEC_ID_AAC:
      return std::find(std::begin(kAacRates), std::end(kAacRates), rate) !=
                     std::end(kAacRates)
                 ? rate
                 : kCommonRate;
    case AV_CODEC_ID_OPUS:
      return kCommonRate;
    default:
      return rate;
  }
}

// Where they are compressed, mono, stereo and 5.1 in FFmpeg's own order are
// what every codec and player knows: not 5.1 with side channels, of AC-3 and
// DTS. Beyond eight, FFmpeg has no layout.
void SetChannels(const AVChannelLayout& given, AVCodecContext* encoder) {
  const int count = given.nb_channels;
  const bool is_pcm = encoder->codec_id == AV_CODEC_ID_PCM_S16LE;
  const bool keeps =
      is_pcm ? count >= 1 && count <= 8 : count == 1 || count == 6;
  if (is_pcm && keeps && given.order == AV_CHANNEL_ORDER_NATIVE) {
    av_channel_layout_copy(&encoder->ch_layout, &given);
  } else {
    av_channel_layout_default(&encoder->ch_layout, keeps ? count : 2);
  }
}

bool IsSameFormat(const AVFrame& a, const AVFrame& b) {
  return a.format == b.format && a.sample_rate == b.sample_rate &&
         av_channel_layout_compare(&a.ch_layout, &b.ch_layout) == 0;
}

}  // namespace

void AudioEncoder::Deleter::operator()(SwrContext* resampler) const {
  swr_free(&resampler);
}

void AudioEncoder::Deleter::operator()(AVAudioFifo* samples) const {
  av_audio_fifo_free(samples);
}

absl::Status AudioEncoder::Failed(int error, const char* what) const {
  return FfmpegStatus(error, absl::StrCat(name_, ": ", what),
                      absl::StatusCode::kInternal);
}

const char* AudioEncoder::codec() const {
  return avcodec_get_name(encoder_->codec_id);
}

absl::StatusOr<std::unique_ptr<AudioEncoder>> AudioEncoder::Create(
    const AVStream& from, const std::vector<const char*>& encoders,
    AVFormatContext* output, const std::string& name) {
  const AVCodec* codec = nullptr;
  for (const char* encoder : encoders) {
    if (codec == nullptr) codec = avcodec_find_encoder_by_name(encoder);
  }
  if (codec == nullptr) {
    return absl::UnimplementedError(
        absl::StrCat("this FFmpeg has none of the encoders ",
                     absl::StrJoin(encoders, ", ")));
  }
  std::unique_ptr<AudioEncoder> encoder(new AudioEncoder(name, output));
  RETURN_IF_ERROR(encoder->OpenDecoder(from));
  RETURN_IF_ERROR(encoder->OpenEncoder(from, codec));
  return encoder;
}

absl::Status AudioEncoder::OpenDecoder(const AVStream& from) {
  const AVCodec* codec = avcodec_find_decoder(from.codecpar->codec_id);
  if (codec == nullptr) {
    return absl::UnimplementedError(
        absl::StrCat("this FFmpeg has no decoder for ",
                     avcodec_get_name(from.codecpar->codec_id)));
  }
  decoder_.reset(avcodec_alloc_context3(codec));
  avcodec_parameters_to_context(decoder_.get(), from.codecpar);
  decoder_->pkt_timebase = from.time_base;
  const int error = avcodec_open2(decoder_.get(), codec, nullptr);
  return error < 0 ? Failed(error, "cannot start the decoder of its sound")
                   : absl::OkStatus();
}

absl::Status AudioEncoder::OpenEncoder(const AVStream& from,
                                       const AVCodec* codec) {
  const AVCodecParameters& given = *from.codecpar;
  encoder_.reset(avcodec_alloc_context3(codec));
  encoder_->sample_rate = EncodedRate(codec->id, given.sample_rate);
  encoder_->sample_fmt = ffmpeg::FirstSampleFormat(codec);
  SetChannels(given.ch_layout, encoder_.get());
  encoder_->bit_rate = kBitRate * encoder_->ch_layout.nb_channels;
  encoder_->time_base = {1, encoder_->sample_rate};
  if (output_->oformat->flags & AVFMT_GLOBALHEADER) {
    encoder_->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
  }
  const int error = avcodec_open2(encoder_.get(), codec, nullptr);
  if (error < 0) return Failed(error, "cannot start the encoder of sound");
  waiting_.reset(av_audio_fifo_alloc(encoder_->sample_fmt,
                                     encoder_->ch_layout.nb_channels, 1));
  if (waiting_ == nullptr) {
    return Failed(AVERROR(ENOMEM), "no memory for its sound");
  }
  to_ = avformat_new_stream(output_, nullptr);
  avcodec_parameters_from_context(to_->codecpar, encoder_.get());
  to_->time_base = encoder_->time_base;
  return absl::OkStatus();
}

absl::Status AudioEncoder::Write(const AVPacket& packet) {
  return Decode(&packet);
}

absl::Status AudioEncoder::Finish() {
  RETURN_IF_ERROR(Decode(nullptr));
  if (resampler_ != nullptr) RETURN_IF_ERROR(Convert(nullptr));
  RETURN_IF_ERROR(EncodeWhole(/*at_end=*/true));
  return Encode(nullptr);
}

// A null packet brings what the decoder still holds.
absl::Status AudioEncoder::Decode(const AVPacket* packet) {
  const int sent = avcodec_send_packet(decoder_.get(), packet);
  if (sent < 0 && sent != AVERROR_EOF) {
    ++num_lost_;
    return absl::OkStatus();
  }
  while (true) {
    const int error = avcodec_receive_frame(decoder_.get(), decoded_.get());
    if (error == AVERROR(EAGAIN) || error == AVERROR_EOF) {
      return absl::OkStatus();
    }
    if (error < 0) {
      ++num_lost_;
      return absl::OkStatus();
    }
    RETURN_IF_ERROR(TakeFrame());
  }
}

absl::Status AudioEncoder::TakeFrame() {
  const int64_t stated = decoded_->best_effort_timestamp;
  if (stated != AV_NOPTS_VALUE) {
    RETURN_IF_ERROR(FillGap(
        av_rescale_q(stated, decoder_->pkt_timebase, encoder_->time_base)));
  }
  has_begun_ = true;
  return Convert(decoded_.get());
}

// `begin` is where the decoded frame states to begin. Small differences are
// rounding; large ones are another clock, which audio_copier.cc has mended.
absl::Status AudioEncoder::FillGap(int64_t begin) {
  if (!has_begun_) {
    next_encoded_ = begin;
    return absl::OkStatus();
  }
  const int64_t rate = encoder_->sample_rate;
  const int64_t in_resampler =
      resampler_ == nullptr ? 0 : swr_get_delay(resampler_.get(), rate);
  int64_t missing = begin - (next_encoded_ +
                             av_audio_fifo_size(waiting_.get()) + in_resampler);
  const int64_t shortest = rate / 20, longest = 600 * rate;
  if (missing < shortest || missing > longest) return absl::OkStatus();
  for (; missing > 0; missing -= rate) {
    const FramePtr silence(av_frame_alloc());
    silence->nb_samples = static_cast<int>(std::min(missing, rate));
    silence->format = encoder_->sample_fmt;
    av_channel_layout_copy(&silence->ch_layout, &encoder_->ch_layout);
    const int error = av_frame_get_buffer(silence.get(), 0);
    if (error < 0) return Failed(error, "no memory for its sound");
    av_samples_set_silence(silence->extended_data, 0, silence->nb_samples,
                           encoder_->ch_layout.nb_channels,
                           encoder_->sample_fmt);
    RETURN_IF_ERROR(AddSamples(silence.get()));
  }
  return absl::OkStatus();
}

// False for a rate or a layout that there is not.
bool AudioEncoder::OpenResampler(AVFrame* frame) {
  SwrContext* resampler = nullptr;
  const int error = swr_alloc_set_opts2(
      &resampler, &encoder_->ch_layout, encoder_->sample_fmt,
      encoder_->sample_rate, &frame->ch_layout,
      static_cast<AVSampleFormat>(frame->format), frame->sample_rate, 0,
      nullptr);
  resampler_.reset(resampler);
  if (error < 0 || swr_init(resampler) < 0) {
    resampler_.reset();
    return false;
  }
  av_frame_unref(resampled_from_.get());
  resampled_from_->format = frame->format;
  resampled_from_->sample_rate = frame->sample_rate;
  av_channel_layout_copy(&resampled_from_->ch_layout, &frame->ch_layout);
  return true;
}

// A null frame brings what the resampler still holds.
absl::Status AudioEncoder::Convert(AVFrame* frame) {
  const bool fits =
      frame == nullptr ||
      (resampler_ != nullptr && IsSameFormat(*frame, *resampled_from_));
  if (!fits && !OpenResampler(frame)) {
    ++num_lost_;
    return absl::OkStatus();
  }
  const FramePtr samples(av_frame_alloc());
  samples->nb_samples = swr_get_out_samples(
      resampler_.get(), frame == nullptr ? 0 : frame->nb_samples);
  if (samples->nb_samples <= 0) return absl::OkStatus();
  samples->format = encoder_->sample_fmt;
  av_channel_layout_copy(&samples->ch_layout, &encoder_->ch_layout);
  const int error = av_frame_get_buffer(samples.get(), 0);
  if (error < 0) return Failed(error, "no memory for its sound");
  const int count = swr_convert(
      resampler_.get(), samples->extended_data, samples->nb_samples,
      frame ? const_cast<const uint8_t**>(frame->extended_data) : nullptr,
      frame ? frame->nb_samples : 0);
  if (count < 0) return Failed(count, "its sound cannot be converted");
  samples->nb_samples = count;
  return AddSamples(samples.get());
}

absl::Status AudioEncoder::AddSamples(AVFrame* samples) {
  const int written = av_audio_fifo_write(
      waiting_.get(), reinterpret_cast<void**>(samples->extended_data),
      samples->nb_samples);
  if (written < samples->nb_samples) {
    return Failed(AVERROR(ENOMEM), "no memory for its sound");
  }
  return EncodeWhole(/*at_end=*/false);
}

// Encoders take frames of one size; only the last may be shorter.
absl::Status AudioEncoder::EncodeWhole(bool at_end) {
  constexpr int kAnySize = 1024;
  const int size = encoder_->frame_size > 0 ? encoder_->frame_size : kAnySize;
  while (true) {
    const int count = std::min(size, av_audio_fifo_size(waiting_.get()));
    if (count == 0 || (count < size && !at_end)) return absl::OkStatus();
    const FramePtr frame(av_frame_alloc());
    frame->nb_samples = count;
    frame->format = encoder_->sample_fmt;
    frame->sample_rate = encoder_->sample_rate;
    av_channel_layout_copy(&frame->ch_layout, &encoder_->ch_layout);
    const int error = av_frame_get_buffer(frame.get(), 0);
    if (error < 0) return Failed(error, "no memory for its sound");
    av_audio_fifo_read(waiting_.get(),
                       reinterpret_cast<void**>(frame->extended_data), count);
    frame->pts = next_encoded_;
    next_encoded_ += count;
    RETURN_IF_ERROR(Encode(frame.get()));
  }
}

// A null frame brings what the encoder still holds.
absl::Status AudioEncoder::Encode(const AVFrame* frame) {
  int error = avcodec_send_frame(encoder_.get(), frame);
  if (error < 0) return Failed(error, "its sound cannot be encoded");
  while (true) {
    error = avcodec_receive_packet(encoder_.get(), packet_.get());
    if (error == AVERROR(EAGAIN) || error == AVERROR_EOF) {
      return absl::OkStatus();
    }
    if (error < 0) return Failed(error, "its sound cannot be encoded");
    packet_->stream_index = to_->index;
    av_packet_rescale_ts(packet_.get(), encoder_->time_base, to_->time_base);
    error = av_interleaved_write_frame(output_, packet_.get());
    if (error < 0) return Failed(error, "its sound cannot be written");
  }
}

}  // namespace pipelines::media
