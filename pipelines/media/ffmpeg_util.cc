// Tested by input_bytes_test.cc and video_test.cc.
#include "pipelines/media/ffmpeg_util.h"

#include "absl/strings/str_cat.h"
#include "networks/files/system_error.h"

namespace pipelines::media {
namespace {

IoSource* SourceOf(void* opaque) { return static_cast<IoSource*>(opaque); }

int ReadIo(void* opaque, uint8_t* buffer, int size) {
  return SourceOf(opaque)->Read(buffer, size);
}

int64_t SeekIo(void* opaque, int64_t offset, int whence) {
  return SourceOf(opaque)->Seek(offset, whence & ~AVSEEK_FORCE);
}

}  // namespace

void IoDeleter::operator()(AVIOContext* io) const {
  delete SourceOf(io->opaque);
  av_freep(&io->buffer);
  avio_context_free(&io);
}

void InputDeleter::operator()(AVFormatContext* format) const {
  const IoPtr io(format->flags & AVFMT_FLAG_CUSTOM_IO ? format->pb : nullptr);
  const std::unique_ptr<StopPredicate> stop(
      static_cast<StopPredicate*>(format->opaque));
  avformat_close_input(&format);
}

IoPtr MakeIo(std::unique_ptr<IoSource> source, bool can_seek) {
  constexpr int kBufferBytes = 1 << 16;
  auto* buffer = static_cast<unsigned char*>(av_malloc(kBufferBytes));
  return IoPtr(avio_alloc_context(buffer, kBufferBytes, /*write_flag=*/0,
                                  source.release(), ReadIo, nullptr,
                                  can_seek ? SeekIo : nullptr));
}

void MakeTimesSane(AVPacket* packet) {
  packet->pts = SaneTime(packet->pts);
  packet->dts = SaneTime(packet->dts);
  if (packet->duration < 0 || SaneTime(packet->duration) != packet->duration) {
    packet->duration = 0;
  }
}

void SilenceFfmpeg() {
  static const bool silenced = [] {
    av_log_set_level(AV_LOG_QUIET);
    return true;
  }();
  static_cast<void>(silenced);
}

std::string FfmpegMessage(int error) {
  char text[AV_ERROR_MAX_STRING_SIZE] = {};
  av_strerror(error, text, sizeof(text));
  return text;
}

absl::Status FfmpegStatus(int error, const std::string& context,
                          absl::StatusCode otherwise) {
  if (error == AVERROR_EXIT) {
    return absl::CancelledError(absl::StrCat(context, ": stopped"));
  }
  // AVERROR(errno) is small and negative, FFmpeg's own codes are huge.
  if (error > -1000) {
    otherwise = networks::files::SystemErrorCode(AVUNERROR(error));
  }
  return absl::Status(otherwise,
                      absl::StrCat(context, ": ", FfmpegMessage(error)));
}

}  // namespace pipelines::media
