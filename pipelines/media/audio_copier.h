// Brings the sound of one file into another: its packets as they are wherever
// the other's container holds them. Private to this folder: video_writer.h uses
// it.
#ifndef PIPELINES_MEDIA_AUDIO_COPIER_H_
#define PIPELINES_MEDIA_AUDIO_COPIER_H_

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "pipelines/media/audio_encoder.h"
#include "pipelines/media/ffmpeg_util.h"
#include "pipelines/media/media_input.h"

namespace pipelines::media {

// That `what`, of a file in an AVI, is `early` seconds before its time; empty
// where nobody notices it.
std::optional<std::string> AviWarning(const std::string& what, double early);

class AudioCopier {
 public:
  // Adds to `output` a stream for each sound stream of `origin`, with its
  // language and title.
  // A codec that the output's container cannot hold, or that its players do not
  // know, is encoded anew: as AAC in mp4, mov and mkv, as Opus in webm,
  // uncompressed in avi. `warnings` gets a sentence for each such stream and
  // for what has to be left out. Null where nothing is to be copied. Errors of
  // OpenInput otherwise.
  static absl::StatusOr<std::unique_ptr<AudioCopier>> Create(
      const MediaInput& origin, AVFormatContext* output,
      std::vector<std::string>* warnings);

  // When the sound begins, in seconds of its file, behind the delay of its
  // encoder, which players leave out unless it is copied into an AVI; empty if
  // it has no packet. DataLoss when the source is damaged.
  absl::StatusOr<std::optional<double>> Begin();

  // Takes so many `unit`s off the times of all packets; before the first
  // CopyUntil.
  void Shift(int64_t units, AVRational unit);

  // Leaves out what begins before `seconds`, by the shifted times; before the
  // first CopyUntil.
  void LeaveOutBefore(double seconds) { first_second_ = seconds; }

  // Writes the packets that begin before `seconds`, for players and muxers
  // want sound and picture of one time close together. DataLoss when the source
  // is damaged.
  absl::Status CopyUntil(double seconds);

  // Writes what encoders still hold; once, after the last CopyUntil.
  absl::Status Finish(std::vector<std::string>* warnings);

 private:
  struct Track {
    const AVStream* from = nullptr;
    AVStream* to = nullptr;                 // unless there is an encoder
    std::unique_ptr<AudioEncoder> encoder;  // null for a copy
    int64_t shift = 0;                      // from's units off all times
    bool has_begun = false;
    int64_t last = 0;  // time of the last packet, shifted, from's units
    int64_t next = 0;  // where that ends
    int64_t last_written = std::numeric_limits<int64_t>::min();  // to's units
    std::optional<double> begin;  // audible, of the first packet written
  };

  AudioCopier(std::string path, InputPtr input, AVFormatContext* output)
      : path_(std::move(path)), input_(std::move(input)), output_(output) {}

  bool is_avi() const {
    return output_->oformat->name == std::string_view("avi");
  }
  absl::Status AddTrack(AVStream* from, std::vector<std::string>* warnings);
  // Makes packet_ hold the next packet; false at the end.
  absl::StatusOr<bool> Fill();
  absl::StatusOr<bool> ReadPacket();
  Track& CurrentTrack();
  // What decoders leave out from packet_ on, in its stream's units.
  int64_t Skipped();
  // Of packet_; where it is to be heard.
  std::optional<double> Seconds();
  std::optional<double> AudibleSeconds();
  void MendTimes(Track* track);
  absl::Status WritePacket(Track* track);
  absl::Status Copy(Track* track);

  std::string path_;
  InputPtr input_;
  AVFormatContext* output_;
  std::vector<Track> tracks_;
  PacketPtr packet_{av_packet_alloc()};  // read and not yet written, or empty
  double first_second_ = -std::numeric_limits<double>::infinity();
  bool at_end_ = false;
};

}  // namespace pipelines::media

#endif  // PIPELINES_MEDIA_AUDIO_COPIER_H_
