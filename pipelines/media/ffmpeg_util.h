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

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "pipelines/media/rational.h"

namespace pipelines::media {

struct FfmpegDeleter {
  void operator()(AVCodecContext* codec) const { avcodec_free_context(&codec); }
  void operator()(AVCodecParameters* codec) const {
    avcodec_parameters_free(&codec);
  }
  void operator()(AVPacket* packet) const { av_packet_free(&packet); }
  void operator()(AVFrame* frame) const { av_frame_free(&frame); }
  void operator()(SwsContext* scaler) const { sws_freeContext(scaler); }
};

// Where FFmpeg reads from, if not from one of its own protocols. Both functions
// answer as FFmpeg's callbacks do: AVERROR_EOF at the end, AVERROR(errno).
class IoSource {
 public:
  virtual ~IoSource() = default;
  // Up to `size` bytes at the present place; how many.
  virtual int Read(uint8_t* buffer, int size) = 0;
  // The new place; with AVSEEK_SIZE, the number of bytes.
  virtual int64_t Seek(int64_t offset, int whence) = 0;
};
// Only for what MakeIo made.
struct IoDeleter {
  void operator()(AVIOContext* io) const;
};
using StopPredicate = std::function<bool()>;
// Closes also what MakeIo made for it, and deletes its `opaque`: null, or the
// StopPredicate that it asks.
struct InputDeleter {
  void operator()(AVFormatContext* format) const;
};

using CodecPtr = std::unique_ptr<AVCodecContext, FfmpegDeleter>;
using ParametersPtr = std::unique_ptr<AVCodecParameters, FfmpegDeleter>;
using PacketPtr = std::unique_ptr<AVPacket, FfmpegDeleter>;
using FramePtr = std::unique_ptr<AVFrame, FfmpegDeleter>;
using ScalerPtr = std::unique_ptr<SwsContext, FfmpegDeleter>;
using IoPtr = std::unique_ptr<AVIOContext, IoDeleter>;
using InputPtr = std::unique_ptr<AVFormatContext, InputDeleter>;

// Keeps FFmpeg and its encoders from writing to stderr: our statuses say what
// matters.
void SilenceFfmpeg();

// FFmpeg's words for one of its error codes.
std::string FfmpegMessage(int error);

// "context: FFmpeg's words". An error of the operating system (a full disk, a
// missing file) keeps its meaning, AVERROR_EXIT is Cancelled, any other becomes
// `otherwise`.
absl::Status FfmpegStatus(int error, const std::string& context,
                          absl::StatusCode otherwise);

// `time`, or AV_NOPTS_VALUE where it is so far off that sums of such times
// could overflow: no file means it.
inline int64_t SaneTime(int64_t time) {
  constexpr int64_t kFarthest = int64_t{1} << 60;
  return time < -kFarthest || time > kFarthest ? AV_NOPTS_VALUE : time;
}

// The same of the times of a packet; an absurd duration becomes unknown.
void MakeTimesSane(AVPacket* packet);

// Reads by way of `source`, whose Seek is used only if it can seek.
IoPtr MakeIo(std::unique_ptr<IoSource> source, bool can_seek);

inline AVRational ToFfmpeg(Rational r) { return {r.num, r.den}; }
inline Rational FromFfmpeg(AVRational r) { return {r.num, r.den}; }

}  // namespace pipelines::media

#endif  // PIPELINES_MEDIA_FFMPEG_UTIL_H_
