#include "pipelines/media/audio_copier.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "pipelines/media/open_input.h"
#include "third_party/absl/status_macros.h"

namespace pipelines::media {

absl::StatusOr<std::unique_ptr<AudioCopier>> AudioCopier::Create(
    const MediaInput& origin, AVFormatContext* output, std::string* warning) {
  const std::string& path = origin.name;
  ASSIGN_OR_RETURN(InputPtr input, OpenInput(origin));
  const bool has_streams = FindStreams(input.get(), path).ok();
  const int index =
      av_find_best_stream(input.get(), AVMEDIA_TYPE_AUDIO, -1, -1, nullptr, 0);
  if (!has_streams || index < 0) {
    *warning = path + " has no audio; the output is silent";
    return nullptr;
  }
  const AVStream* from = input->streams[index];
  const AVCodecID codec = from->codecpar->codec_id;
  if (avformat_query_codec(output->oformat, codec, FF_COMPLIANCE_NORMAL) != 1) {
    *warning =
        absl::StrCat(output->oformat->name, " cannot hold the audio of ", path,
                     " (", avcodec_get_name(codec), "); the output is silent");
    return nullptr;
  }
  std::unique_ptr<AudioCopier> copier(
      new AudioCopier(path, std::move(input), output));
  copier->from_ = from;
  copier->to_ = avformat_new_stream(output, nullptr);
  avcodec_parameters_copy(copier->to_->codecpar, from->codecpar);
  // Tags differ between containers; the muxer knows its own.
  copier->to_->codecpar->codec_tag = 0;
  copier->to_->time_base = from->time_base;
  return copier;
}

absl::StatusOr<bool> AudioCopier::Fill() {
  if (packet_->data != nullptr) return true;
  if (at_end_) return false;
  ASSIGN_OR_RETURN(const bool read, ReadPacket());
  at_end_ = !read;
  return read;
}

std::optional<double> AudioCopier::Seconds() const {
  const int64_t begin =
      packet_->pts != AV_NOPTS_VALUE ? packet_->pts : packet_->dts;
  if (begin == AV_NOPTS_VALUE) return std::nullopt;
  return static_cast<double>(begin - shift_) * av_q2d(from_->time_base);
}

absl::StatusOr<std::optional<double>> AudioCopier::Begin() {
  ASSIGN_OR_RETURN(const bool is_there, Fill());
  return is_there ? Seconds() : std::nullopt;
}

void AudioCopier::Shift(int64_t units, AVRational unit) {
  shift_ = av_rescale_q(units, unit, from_->time_base);
}

absl::Status AudioCopier::CopyUntil(double seconds) {
  while (true) {
    ASSIGN_OR_RETURN(const bool is_there, Fill());
    if (!is_there) return absl::OkStatus();
    const std::optional<double> begin = Seconds();
    if (begin && *begin >= seconds) return absl::OkStatus();
    RETURN_IF_ERROR(WritePacket());
  }
}

absl::StatusOr<bool> AudioCopier::ReadPacket() {
  while (true) {
    const int error = av_read_frame(input_.get(), packet_.get());
    if (error == AVERROR_EOF) return false;
    if (error < 0) {
      return FfmpegStatus(error, path_ + ": its audio is damaged or truncated",
                          absl::StatusCode::kDataLoss);
    }
    if (packet_->stream_index == from_->index) return true;
    av_packet_unref(packet_.get());
  }
}

absl::Status AudioCopier::WritePacket() {
  if (packet_->pts != AV_NOPTS_VALUE) packet_->pts -= shift_;
  if (packet_->dts != AV_NOPTS_VALUE) packet_->dts -= shift_;
  av_packet_rescale_ts(packet_.get(), from_->time_base, to_->time_base);
  packet_->stream_index = to_->index;
  packet_->pos = -1;
  const int error = av_interleaved_write_frame(output_, packet_.get());
  if (error >= 0) return absl::OkStatus();
  return FfmpegStatus(error, absl::StrCat("copying the audio of ", path_),
                      absl::StatusCode::kInternal);
}

}  // namespace pipelines::media
