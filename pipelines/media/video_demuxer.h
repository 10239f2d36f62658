// The packets of a file's video stream, and the watch that none is missing.
// Private to this folder: video_reader.h decodes them.
#ifndef PIPELINES_MEDIA_VIDEO_DEMUXER_H_
#define PIPELINES_MEDIA_VIDEO_DEMUXER_H_

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "pipelines/media/ffmpeg_util.h"
#include "pipelines/media/field_pairs.h"
#include "pipelines/media/media_input.h"

namespace pipelines::media {

// Reads a file's video stream packet by packet.
class VideoDemuxer {
 public:
  // The errors of OpenInput; InvalidArgument when there is no video stream.
  static absl::StatusOr<std::unique_ptr<VideoDemuxer>> Open(
      const MediaInput& input);

  const AVStream& stream() const { return *stream_; }
  bool has_audio() const { return has_audio_; }
  // Whether a packet was read of a track of sound that was not known when the
  // file was opened. Nobody copies it.
  bool has_late_audio() const { return has_late_audio_; }
  // Frames by the container's index, without those that an edit list hides;
  // empty where it lists fields.
  std::optional<int64_t> num_indexed() const;
  // Seconds of the video by the container's header.
  std::optional<double> duration() const;
  // Seconds of the packets read so far; empty where they state no times.
  std::optional<double> seconds_read() const;
  AVRational frame_rate() const;
  // Unit of the packets' times: that of stream() or, with has_assumed_rate(), a
  // frame.
  AVRational time_base() const;
  // Whether the stream states neither times nor a rate, as raw ones (.h264,
  // .obu, .mjpeg) may: the input's image_rate gives both then.
  bool has_assumed_rate() const { return has_assumed_rate_; }
  // Width of a stored pixel of `frame` by its height; of what comes first where
  // it is null. 0 if the file does not say, or is one of pictures.
  AVRational PixelAspect(AVFrame* frame) const;

  // Each shown packet gives one frame, so that frames can be counted without
  // decoding.
  bool packets_are_frames() const;

  // The first frame or the one behind it takes two packets, a field each.
  bool has_field_packets() const { return has_field_packets_; }

  // Whether the container's clock may begin anew in the middle, as in
  // recordings of broadcasts.
  bool has_jumping_clock() const {
    return input_->iformat->flags & AVFMT_TS_DISCONT;
  }

  // Whether the packet that Next read last comes before the first key frame of
  // a recording that begins between two. Not of H.264, whose decoder knows.
  bool is_before_key() const { return num_packets_ <= num_before_key_; }

  // Reads the next packet of the video stream that holds something; false at
  // the end. (AVI files have empty ones, for frames that are shown on.) A
  // packet of which a part is missing is flagged AV_PKT_FLAG_CORRUPT, for which
  // flaw() has the reason. DataLoss
  // when the container cannot be read on, or ends before its own index or
  // header says.
  absl::StatusOr<bool> Next(AVPacket* packet);

  // DataLoss with what is wrong where packets are flagged.
  const absl::Status& flaw() const { return flaw_; }

  // Whether the packet that Next read last begins a frame that is to be shown.
  bool is_shown() const { return is_shown_; }

  // Packets read so far that are to be shown.
  int64_t num_shown() const { return num_shown_; }

  // Frames that are missing beside flagged packets of an mpeg-ts, by the gap in
  // its times; at least those that are known.
  int64_t num_missing() const { return num_missing_; }

 private:
  VideoDemuxer(const MediaInput& origin, InputPtr input)
      : origin_(origin), path_(origin.name), input_(std::move(input)) {}

  absl::Status FindStream();
  bool StatesNoRate() const;
  void LookAhead();
  void FindKeyFrame();
  int ReadAhead();
  int Read(AVPacket* packet);
  void Retime(AVPacket* packet) const;
  void Note(const AVPacket& packet);
  void NoteGap(const AVPacket& packet);
  void NoteSpan(const AVPacket& packet);
  bool IsLateAudio(const AVPacket& packet) const;
  bool IsShown(const AVPacket& packet);
  absl::Status CheckComplete() const;
  absl::Status CheckIndex() const;
  absl::Status CheckOneMovie() const;
  absl::Status CheckAviIndex() const;
  void ReadAviIndex();
  void CheckTimes();
  absl::Status CheckDuration() const;
  absl::Status CheckFileSize() const;
  absl::Status CheckStructure() const;
  absl::Status CheckLastJpeg() const;
  absl::Status CheckLastFrame() const;
  absl::Status CheckTransportStream() const;
  absl::Status CheckOneRecording() const;
  void ExplainFlag(AVPacket* packet);
  void FindFlaw();
  absl::Status Named(const absl::Status& damage) const;
  bool IsFormat(const char* name) const;
  bool IsOfPictures() const;

  MediaInput origin_;
  std::string path_;
  InputPtr input_;
  AVStream* stream_ = nullptr;
  int num_streams_ = 0;  // known when the file was opened
  bool has_audio_ = false;
  bool has_late_audio_ = false;
  bool has_assumed_rate_ = false;

  // Packets that ReadAhead read, and what it met behind them: 0 if nothing.
  std::deque<PacketPtr> ahead_;
  int ahead_error_ = 0;
  int64_t num_before_key_ = 0;  // packets of the video
  bool has_field_packets_ = false;
  double field_seconds_ = 0;  // from the first field to the second; 0: unknown

  // DataLoss when the frames' times contradict the header, and frames are
  // hidden for it.
  absl::Status times_;

  // As the header states them; FFmpeg later fills in guesses of its own.
  int64_t header_stream_duration_ = 0;  // stream_->time_base; 0: not stated
  double header_duration_ = 0;          // seconds of all streams; 0: not stated
  int64_t num_listed_ = 0;  // frames, by the index of an AVI; 0: not known

  // Found when the first packet is flagged.
  absl::Status flaw_;
  int64_t num_joints_ = 0;  // flags before the flaw, still to come, which only
                            // mean that another recording begins

  // See NoteGap.
  int64_t num_missing_ = 0;
  int64_t packets_since_flaw_ = INT32_MAX;
  int64_t last_dts_ = AV_NOPTS_VALUE;
  double last_step_ = 0;  // seconds to it from the one before

  std::optional<FieldPairs> field_pairs_;
  bool is_shown_ = false;
  int64_t num_all_packets_ = 0;  // of all streams
  int64_t num_packets_ = 0;      // of the video stream
  int64_t num_filled_ = 0;       // of these, all that are not empty
  int64_t num_shown_ = 0;
  int64_t last_byte_ = 0;             // of the file, behind the last packet
  int64_t stream_begin_ = INT64_MAX;  // time_base()
  int64_t stream_end_ = INT64_MIN;    // the same
  double end_ = 0;                    // seconds, of all streams

  struct Span {
    int64_t first = 0, last = 0;  // bytes where packets begin
  };
  std::map<int, Span> spans_;  // of all streams of video, by their index
};

}  // namespace pipelines::media

#endif  // PIPELINES_MEDIA_VIDEO_DEMUXER_H_
