// Ownership and errors for FFmpeg's C interface. Private to this folder, so
// that no header of FFmpeg is included elsewhere.
#ifndef PIPELINES_MEDIA_FFMPEG_UTIL_H_
#define PIPELINES_MEDIA_FFMPEG_UTIL_H_

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavdevice/avdevice.h>
#include <libavformat/avformat.h>
#include <libavutil/avutil.h>
#include <libswscale/swscale.h>
}

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "pipelines/media/rational.h"

namespace pipelines::data {

struct FfmpegDeleter {
  void operator()(AVCodecContext* codec) const { avcodec_free_context(&codec); }
  void operator()(AVPacket* packet) const { av_packet_free(&packet); }
  void operator()(AVFrame* frame) const { av_frame_free(&frame); }
  void operator()(SwsContext* scaler) const { sws_freeContext(scaler); }
};
struct InputDeleter {
  void operator()(AVFormatContext* format) const {
    avformat_close_input(&format);
  }
};

using CodecPtr = std::unique_ptr<AVCodecContext, FfmpegDeleter>;
using PacketPtr = std::unique_ptr<AVPacket, FfmpegDeleter>;
using FramePtr = std::unique_ptr<AVFrame, FfmpegDeleter>;
using ScalerPtr = std::unique_ptr<SwsContext, FfmpegDeleter>;
using InputPtr = std::unique_ptr<AVFormatContext, InputDeleter>;

// Keeps FFmpeg and its encoders from writing to stderr: our statuses say what
// matters.
void SilenceFfmpeg();

// FFmpeg's words for one of its error codes.
std::string FfmpegMessage(int error);

// "context: FFmpeg's words". An error of the operating system (a full disk, a
// missing file) keeps its meaning, any other becomes `otherwise`.
absl::Status FfmpegStatus(int error, const std::string& context,
                          absl::StatusCode otherwise);

// See frame_source.h.
bool IsDevice(const std::string& path);

// Opens the device or the container at `path` and finds its streams. Local
// names are never taken for a protocol (a:b.mp4). NotFound, PermissionDenied,
// or InvalidArgument for folders, empty files and what no demuxer knows.
absl::StatusOr<InputPtr> OpenInput(const std::string& path);

inline AVRational ToFfmpeg(Rational r) { return {r.num, r.den}; }
inline Rational FromFfmpeg(AVRational r) { return {r.num, r.den}; }

}  // namespace pipelines::data

#endif  // PIPELINES_MEDIA_FFMPEG_UTIL_H_
