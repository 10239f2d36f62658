// Copies the sound of one file into another without decoding it. Private to
// this folder: video_writer.h uses it.
#ifndef PIPELINES_MEDIA_AUDIO_COPIER_H_
#define PIPELINES_MEDIA_AUDIO_COPIER_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "pipelines/media/ffmpeg_util.h"
#include "pipelines/media/media_input.h"

namespace pipelines::media {

class AudioCopier {
 public:
  // Adds to `output` a stream like the first audio stream of `origin`. Null,
  // with the reason in `warning`, when that file has no audio or the output's
  // format cannot hold its codec. Errors of OpenInput otherwise.
  static absl::StatusOr<std::unique_ptr<AudioCopier>> Create(
      const MediaInput& origin, AVFormatContext* output, std::string* warning);

  // When the sound begins, in seconds of its file; empty if it has no packet.
  // DataLoss when the source is damaged.
  absl::StatusOr<std::optional<double>> Begin();

  // Takes so many `unit`s off the times of all packets; before the first
  // CopyUntil.
  void Shift(int64_t units, AVRational unit);

  // Writes the packets that begin before `seconds`, for players and muxers
  // want sound and picture of one time close together. DataLoss when the source
  // is damaged.
  absl::Status CopyUntil(double seconds);

 private:
  AudioCopier(std::string path, InputPtr input, AVFormatContext* output)
      : path_(std::move(path)), input_(std::move(input)), output_(output) {}

  // Makes packet_ hold the next packet; false at the end.
  absl::StatusOr<bool> Fill();
  // Of packet_.
  std::optional<double> Seconds() const;
  absl::StatusOr<bool> ReadPacket();
  absl::Status WritePacket();

  std::string path_;
  InputPtr input_;
  AVFormatContext* output_;
  const AVStream* from_ = nullptr;
  AVStream* to_ = nullptr;
  PacketPtr packet_{av_packet_alloc()};  // read and not yet written, or empty
  int64_t shift_ = 0;                    // from_'s units off all times
  bool at_end_ = false;
};

}  // namespace pipelines::media

#endif  // PIPELINES_MEDIA_AUDIO_COPIER_H_
