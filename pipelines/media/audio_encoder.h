// Encodes one stream of sound anew, for a container that cannot hold it as it
// is. Private to this folder: audio_copier.h uses it.
#ifndef PIPELINES_MEDIA_AUDIO_ENCODER_H_
#define PIPELINES_MEDIA_AUDIO_ENCODER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "pipelines/media/ffmpeg_util.h"

extern "C" {
#include <libavutil/audio_fifo.h>
#include <libswresample/swresample.h>
}

namespace pipelines::media {

class AudioEncoder {
 public:
  // Adds to `output` a stream for the sound of `from`, encoded by the first of
  // `encoders` that this FFmpeg has. The rate is kept where the codec has it,
  // otherwise it becomes 48 kHz. One, two and six channels are kept,
  // uncompressed up to eight; others become stereo. `name` stands in messages.
  // Unimplemented where FFmpeg can neither decode nor encode it.
  static absl::StatusOr<std::unique_ptr<AudioEncoder>> Create(
      const AVStream& from, const std::vector<const char*>& encoders,
      AVFormatContext* output, const std::string& name);

  // Decodes, encodes and writes. `packet` is one of `from`, with its times in
  // the units of `from`. A packet that cannot be decoded counts in num_lost();
  // where sound is missing, silence is written, so that the rest keeps its
  // time.
  absl::Status Write(const AVPacket& packet);

  // Writes what is left; once, after the last packet.
  absl::Status Finish();

  // Short, in lower case: "aac".
  const char* codec() const;

  // Packets that could not be decoded.
  int64_t num_lost() const { return num_lost_; }

 private:
  AudioEncoder(std::string name, AVFormatContext* output)
      : name_(std::move(name)), output_(output) {}

  absl::Status OpenDecoder(const AVStream& from);
  absl::Status OpenEncoder(const AVStream& from, const AVCodec* codec);
  absl::Status Decode(const AVPacket* packet);
  absl::Status TakeFrame();
  absl::Status FillGap(int64_t begin);
  bool OpenResampler(AVFrame* frame);
  absl::Status Convert(AVFrame* frame);
  absl::Status AddSamples(AVFrame* samples);
  absl::Status EncodeWhole(bool at_end);
  absl::Status Encode(const AVFrame* frame);
  absl::Status Failed(int error, const char* what) const;

  struct Deleter {
    void operator()(SwrContext* resampler) const;
    void operator()(AVAudioFifo* samples) const;
  };

  std::string name_;
  AVFormatContext* output_;
  AVStream* to_ = nullptr;
  CodecPtr decoder_, encoder_;
  std::unique_ptr<SwrContext, Deleter> resampler_;
  std::unique_ptr<AVAudioFifo, Deleter> waiting_;  // decoded, to be encoded
  FramePtr decoded_{av_frame_alloc()};
  FramePtr resampled_from_{av_frame_alloc()};  // format that resampler_ takes
  PacketPtr packet_{av_packet_alloc()};

  bool has_begun_ = false;
  int64_t next_encoded_ = 0;  // time of the first in waiting_, in samples
  int64_t num_lost_ = 0;
};

}  // namespace pipelines::media

#endif  // PIPELINES_MEDIA_AUDIO_ENCODER_H_
