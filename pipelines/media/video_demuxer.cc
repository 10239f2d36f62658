#include "pipelines/media/video_demuxer.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <istream>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "pipelines/media/formats/avi_index.h"
#include "pipelines/media/formats/byte_reader.h"
#include "pipelines/media/formats/container_end.h"
#include "pipelines/media/formats/gif_blocks.h"
#include "pipelines/media/formats/mp4_movies.h"
#include "pipelines/media/formats/mp4_times.h"
#include "pipelines/media/formats/packet_count.h"
#include "pipelines/media/input_bytes.h"
#include "pipelines/media/open_input.h"
#include "pipelines/media/transport_stream.h"
#include "third_party/absl/status_macros.h"

extern "C" {
#include <libavutil/opt.h>
}

namespace pipelines::media {
namespace {

// Headers state durations in milliseconds or coarser, and muxers differ in
// whether the last packet's own duration counts.
constexpr double kDurationTolerance = 0.5;  // seconds

// Of FFmpeg, where it does not come to state the frames of an AVI.
constexpr int64_t kUnknownAviLength = 1 << 30;

absl::Status Truncated(const std::string& path, const std::string& what) {
  return absl::DataLossError(
      absl::StrCat(path, ": the file is truncated: ", what));
}

bool NeedsKeyFrame(AVCodecID codec) {
  return codec == AV_CODEC_ID_MPEG1VIDEO || codec == AV_CODEC_ID_MPEG2VIDEO ||
         codec == AV_CODEC_ID_MPEG4 || codec == AV_CODEC_ID_HEVC;
}

double Seconds(int64_t time, AVRational base) {
  return static_cast<double>(time) * av_q2d(base);
}

}  // namespace

absl::StatusOr<std::unique_ptr<VideoDemuxer>> VideoDemuxer::Open(
    const MediaInput& origin) {
  ASSIGN_OR_RETURN(InputPtr input, OpenInput(origin));
  std::unique_ptr<VideoDemuxer> demuxer(
      new VideoDemuxer(origin, std::move(input)));
  RETURN_IF_ERROR(demuxer->FindStream());
  demuxer->LookAhead();
  demuxer->FindKeyFrame();
  return demuxer;
}

absl::Status VideoDemuxer::FindStream() {
  std::vector<int64_t> stated;
  for (unsigned i = 0; i < input_->nb_streams; ++i) {
    stated.push_back(std::max<int64_t>(0, input_->streams[i]->duration));
  }
  if (input_->duration > 0) {
    header_duration_ = Seconds(input_->duration, AV_TIME_BASE_Q);
  }
  RETURN_IF_ERROR(FindStreams(input_.get(), path_));
  const int index =
      av_find_best_stream(input_.get(), AVMEDIA_TYPE_VIDEO, -1, -1, nullptr, 0);
  if (index < 0) {
    return absl::InvalidArgumentError(path_ + " holds no video stream");
  }
  stream_ = input_->streams[index];
  num_streams_ = static_cast<int>(input_->nb_streams);
  if (stream_->disposition & AV_DISPOSITION_ATTACHED_PIC) {
    return absl::InvalidArgumentError(
        path_ + " holds no video stream, only sound and a cover picture");
  }
  if (static_cast<size_t>(index) < stated.size()) {
    header_stream_duration_ = stated[static_cast<size_t>(index)];
  }
  ReadAviIndex();
  has_audio_ = av_find_best_stream(input_.get(), AVMEDIA_TYPE_AUDIO, -1, -1,
                                   nullptr, 0) >= 0;
  has_assumed_rate_ = StatesNoRate();
  CheckTimes();
  return absl::OkStatus();
}

// A picture has no rate that matters (FFmpeg's png_pipe and so on). Of the
// formats without times FFmpeg flags only some (AVFMT_NOTIMESTAMPS, not
// .h264), but all can be told a rate, which comes back unless the stream states
// one, as .m4v and .mpv always do, .h264 and .hevc mostly.
bool VideoDemuxer::StatesNoRate() const {
  const bool takes_rate =
      input_->iformat->priv_class != nullptr &&
      av_opt_find(input_->priv_data, "framerate", nullptr, 0, 0) != nullptr;
  const AVRational rate =
      av_guess_frame_rate(input_.get(), stream_, /*frame=*/nullptr);
  return takes_rate && !absl::EndsWith(input_->iformat->name, "_pipe") &&
         av_cmp_q(rate, kRateOfNone) == 0;
}

// Sets num_listed_ where the index of an AVI lists all that the header states:
// not of files beyond a gigabyte. Of two formats, FFmpeg joins pieces to
// frames.
void VideoDemuxer::ReadAviIndex() {
  if (!IsFormat("avi")) return;
  // Its duration is FFmpeg's guess then.
  if (stream_->nb_frames == kUnknownAviLength) {
    header_stream_duration_ = 0;
    header_duration_ = 0;
  }
  const unsigned tag = stream_->codecpar->codec_tag;
  const bool is_joined =
      tag == MKTAG('H', '2', '6', '5') || tag == MKTAG('V', 'S', 'S', 'H');
  const std::unique_ptr<std::istream> file =
      is_joined ? nullptr : OpenStream(origin_);
  if (file == nullptr) return;
  const std::optional<AviPieces> listed = ListedByAvi(*file, stream_->index);
  if (!listed || listed->all < header_stream_duration_) return;
  num_listed_ = listed->filled;
}

// Reads on to a second field, which is the second or third packet of the video,
// if it has such.
void VideoDemuxer::LookAhead() {
  field_pairs_.emplace(*stream_->codecpar);
  if (stream_->codecpar->codec_id != AV_CODEC_ID_H264) return;
  FieldPairs pairs(*stream_->codecpar);
  constexpr size_t kMostPackets = 100;  // with those of sound between them
  int64_t dts_before = AV_NOPTS_VALUE;
  int num_packets = 0;
  while (num_packets < 3 && ahead_.size() < kMostPackets) {
    if (ReadAhead() < 0) return;
    const AVPacket& last = *ahead_.back();
    if (last.stream_index != stream_->index) continue;
    ++num_packets;
    has_field_packets_ = pairs.IsSecondField(last);
    if (has_field_packets_) {
      if (last.dts == AV_NOPTS_VALUE || dts_before == AV_NOPTS_VALUE) return;
      field_seconds_ = Seconds(last.dts, stream_->time_base) -
                       Seconds(dts_before, stream_->time_base);
      return;
    }
    dts_before = last.dts;
  }
}

// Of a recording whose decoder shows grey frames, or leaves out frames without
// a word, where it begins between two key frames. There may be no key frame at
// all, where each frame renews a part of the picture.
void VideoDemuxer::FindKeyFrame() {
  if (!has_jumping_clock() || !NeedsKeyFrame(stream_->codecpar->codec_id)) {
    return;
  }
  constexpr size_t kMostPackets = 2000;  // some 30 s with sound
  int64_t before = 0;
  while (ahead_.size() < kMostPackets && ReadAhead() >= 0) {
    const AVPacket& last = *ahead_.back();
    if (last.stream_index != stream_->index) continue;
    if (last.flags & AV_PKT_FLAG_KEY) {
      num_before_key_ = before;
      return;
    }
    ++before;
  }
}

// Appends a packet to ahead_, or returns and keeps the error.
int VideoDemuxer::ReadAhead() {
  PacketPtr packet(av_packet_alloc());
  ahead_error_ = av_read_frame(input_.get(), packet.get());
  if (ahead_error_ >= 0) ahead_.push_back(std::move(packet));
  return ahead_error_;
}

// av_read_frame, behind what ReadAhead has read.
int VideoDemuxer::Read(AVPacket* packet) {
  if (!ahead_.empty()) {
    av_packet_move_ref(packet, ahead_.front().get());
    ahead_.pop_front();
    return 0;
  }
  if (ahead_error_ < 0) return std::exchange(ahead_error_, 0);
  return av_read_frame(input_.get(), packet);
}

// An edit list may well hide frames, but not all times and no header's.
void VideoDemuxer::CheckTimes() {
  const std::optional<int64_t> shown = num_indexed();
  const int64_t listed = std::max<int64_t>(
      stream_->nb_frames, avformat_index_get_entries_count(stream_));
  if (!IsFormat("mp4") || !shown || *shown >= listed) return;
  const std::unique_ptr<std::istream> file = OpenStream(origin_);
  if (file == nullptr) return;
  times_ = Named(CheckMp4Times(*file));
}

// iformat->name is a list such as "mov,mp4,m4a".
bool VideoDemuxer::IsFormat(const char* name) const {
  const std::string names = absl::StrCat(",", input_->iformat->name, ",");
  return names.find(absl::StrCat(",", name, ",")) != std::string::npos;
}

std::optional<int64_t> VideoDemuxer::num_indexed() const {
  if (has_field_packets_) return std::nullopt;
  if (num_listed_ > 0) return num_listed_;
  // Only mp4 and mov state every sample in front; elsewhere FFmpeg's index is
  // what it has met so far.
  if (!IsFormat("mp4") || !times_.ok()) {
    const int64_t stated = stream_->nb_frames;
    if (stated <= 0 || (IsFormat("avi") && stated == kUnknownAviLength)) {
      return std::nullopt;
    }
    return stated;
  }
  const int count = avformat_index_get_entries_count(stream_);
  int64_t shown = 0;
  for (int i = 0; i < count; ++i) {
    const AVIndexEntry* entry = avformat_index_get_entry(stream_, i);
    if (!(entry->flags & AVINDEX_DISCARD_FRAME)) ++shown;
  }
  if (shown == 0) return std::nullopt;
  return shown;
}

std::optional<double> VideoDemuxer::duration() const {
  // Matroska states none of a stream; where that of a few frames has no known
  // beginning, FFmpeg fills in the length of all streams.
  const bool is_stated = !IsFormat("matroska") || input_->nb_streams == 1 ||
                         header_stream_duration_ > 0;
  if (stream_->duration > 0 && is_stated) {
    return Seconds(stream_->duration, stream_->time_base);
  }
  // Beside other streams it may be that of the sound.
  if (input_->duration > 0 && input_->nb_streams == 1) {
    return Seconds(input_->duration, AV_TIME_BASE_Q);
  }
  return std::nullopt;
}

std::optional<double> VideoDemuxer::seconds_read() const {
  if (stream_end_ <= stream_begin_) return std::nullopt;
  return Seconds(stream_end_ - stream_begin_, time_base());
}

AVRational VideoDemuxer::time_base() const {
  return has_assumed_rate_ ? av_inv_q(frame_rate()) : stream_->time_base;
}

AVRational VideoDemuxer::frame_rate() const {
  if (has_assumed_rate_) return ToFfmpeg(origin_.image_rate);
  AVRational rate =
      av_guess_frame_rate(input_.get(), stream_, /*frame=*/nullptr);
  if (rate.num <= 0 || rate.den <= 0) return {25, 1};
  // From an index that lists fields, FFmpeg takes their rate.
  const bool is_of_fields = av_q2d(rate) * field_seconds_ > 0.75;
  if (has_field_packets_ && is_of_fields) rate = av_mul_q(rate, {1, 2});
  return rate;
}

// What pictures state of themselves, as the density of a JPEG, is ignored in
// stills, and by browsers.
bool VideoDemuxer::IsOfPictures() const {
  return IsFormat("apng") || IsFormat("gif") || IsFormat("mjpeg") ||
         IsFormat("mpjpeg") || absl::EndsWith(input_->iformat->name, "_pipe");
}

AVRational VideoDemuxer::PixelAspect(AVFrame* frame) const {
  if (IsOfPictures()) return {0, 1};
  return av_guess_sample_aspect_ratio(input_.get(), stream_, frame);
}

bool VideoDemuxer::packets_are_frames() const {
  switch (stream_->codecpar->codec_id) {
    case AV_CODEC_ID_H264:
    case AV_CODEC_ID_HEVC:
    case AV_CODEC_ID_VP8:
    case AV_CODEC_ID_VP9:
    case AV_CODEC_ID_AV1:
    case AV_CODEC_ID_GIF:
    case AV_CODEC_ID_PNG:
      return true;
    case AV_CODEC_ID_MPEG4:
      // In AVI two frames may share a packet, and an empty one follow.
      return IsFormat("mp4");
    default:
      break;
  }
  // ProRes, MJPEG, uncompressed: each frame stands in a packet of its own.
  const AVCodecDescriptor* const descriptor =
      avcodec_descriptor_get(stream_->codecpar->codec_id);
  return descriptor != nullptr && descriptor->props & AV_CODEC_PROP_INTRA_ONLY;
}

absl::StatusOr<bool> VideoDemuxer::Next(AVPacket* packet) {
  while (true) {
    av_packet_unref(packet);
    const int error = Read(packet);
    if (error == AVERROR_EOF) {
      RETURN_IF_ERROR(CheckComplete());
      return false;
    }
    if (error < 0) {
      return FfmpegStatus(error, path_ + ": the file is damaged or truncated",
                          absl::StatusCode::kDataLoss);
    }
    if (stream_->codecpar->codec_id == AV_CODEC_ID_GIF &&
        !HoldsGifPicture({reinterpret_cast<const char*>(packet->data),
                          static_cast<size_t>(packet->size)})) {
      continue;
    }
    Retime(packet);
    MakeTimesSane(packet);
    Note(*packet);
    if (packet->stream_index == stream_->index && packet->size > 0) {
      if (packet->flags & AV_PKT_FLAG_CORRUPT) ExplainFlag(packet);
      NoteGap(*packet);
      return true;
    }
  }
}

// Whole frames may be lost with a damaged one, as after bad reception: their
// times are missing, where frames came one each period before.
void VideoDemuxer::NoteGap(const AVPacket& packet) {
  constexpr int kNear = 3;         // packets
  constexpr double kMost = 10;     // seconds; beyond, it is another clock
  constexpr double kFewest = 2.5;  // periods
  const bool is_flaw = packet.flags & AV_PKT_FLAG_CORRUPT;
  packets_since_flaw_ = is_flaw ? 0 : packets_since_flaw_ + 1;
  if (!IsFormat("mpegts") || packet.dts == AV_NOPTS_VALUE) return;
  const int64_t dts_before = std::exchange(last_dts_, packet.dts);
  if (dts_before == AV_NOPTS_VALUE) return;
  const double step = Seconds(packet.dts - dts_before, stream_->time_base);
  const double step_before = std::exchange(last_step_, step);
  if (packets_since_flaw_ > kNear) return;
  const double rate = av_q2d(frame_rate());
  const bool is_steady = std::abs(step_before * rate - 1) < 0.1;
  if (is_steady && step * rate > kFewest && step < kMost) {
    num_missing_ += std::llround(step * rate) - 1;
  }
}

// Sets flaw_, and takes the flag away where nothing is missing.
void VideoDemuxer::ExplainFlag(AVPacket* packet) {
  if (flaw_.ok()) FindFlaw();
  if (num_joints_ == 0) return;
  --num_joints_;
  packet->flags &= ~AV_PKT_FLAG_CORRUPT;
}

void VideoDemuxer::FindFlaw() {
  const bool is_stream = IsFormat("mpegts");
  flaw_ = absl::DataLossError(absl::StrCat(
      path_,
      ": the file is damaged or truncated: a piece of it is missing here",
      is_stream ? ", or two recordings were joined here" : ""));
  const std::unique_ptr<std::istream> file =
      is_stream ? OpenStream(origin_) : nullptr;
  if (file == nullptr) return;
  const PacketOrder order = CheckPacketOrder(*file, stream_->id);
  num_joints_ = order.num_joints;
  if (!order.flaw.ok()) flaw_ = Named(order.flaw);
}

// With the path in front; OK if it is.
absl::Status VideoDemuxer::Named(const absl::Status& damage) const {
  if (damage.ok()) return damage;
  return absl::DataLossError(
      absl::StrCat(path_, ": ", std::string(damage.message())));
}

bool VideoDemuxer::IsShown(const AVPacket& packet) {
  if (field_pairs_->IsSecondField(packet)) return false;
  if (packet.flags & AV_PKT_FLAG_DISCARD || packet.size == 0) return false;
  // VP8 stores frames that only serve as references. [RFC 6386, 9.1]
  constexpr int kShowFrame = 0x10;
  return stream_->codecpar->codec_id != AV_CODEC_ID_VP8 ||
         packet.data[0] & kShowFrame;
}

// From ticks at kRateOfNone to frames.
void VideoDemuxer::Retime(AVPacket* packet) const {
  if (!has_assumed_rate_ || packet->stream_index != stream_->index) return;
  av_packet_rescale_ts(packet, stream_->time_base, av_inv_q(kRateOfNone));
}

// In an mpeg-ts a track may appear with a later recording, or be listed long
// before its first packet. Whoever copies other sound warns of the latter.
bool VideoDemuxer::IsLateAudio(const AVPacket& packet) const {
  const AVCodecParameters& codec =
      *input_->streams[packet.stream_index]->codecpar;
  return codec.codec_type == AVMEDIA_TYPE_AUDIO &&
         (packet.stream_index >= num_streams_ ||
          (codec.sample_rate <= 0 && !has_audio_));
}

void VideoDemuxer::NoteSpan(const AVPacket& packet) {
  const AVStream& stream = *input_->streams[packet.stream_index];
  if (stream.codecpar->codec_type != AVMEDIA_TYPE_VIDEO || packet.pos < 0) {
    return;
  }
  Span& span = spans_.try_emplace(stream.index, Span{packet.pos, packet.pos})
                   .first->second;
  span.first = std::min(span.first, packet.pos);
  span.last = std::max(span.last, packet.pos);
}

void VideoDemuxer::Note(const AVPacket& packet) {
  ++num_all_packets_;
  NoteSpan(packet);
  if (IsLateAudio(packet)) has_late_audio_ = true;
  const int64_t begin = packet.pts != AV_NOPTS_VALUE ? packet.pts : packet.dts;
  const AVRational base = packet.stream_index == stream_->index
                              ? time_base()
                              : input_->streams[packet.stream_index]->time_base;
  if (begin != AV_NOPTS_VALUE) {
    end_ = std::max(end_, Seconds(begin + packet.duration, base));
  }
  if (packet.stream_index != stream_->index) return;
  ++num_packets_;
  if (packet.size > 0) ++num_filled_;
  last_byte_ = packet.pos + packet.size;
  is_shown_ = IsShown(packet);
  if (is_shown_) ++num_shown_;
  if (begin != AV_NOPTS_VALUE) {
    stream_begin_ = std::min(stream_begin_, begin);
    stream_end_ = std::max(stream_end_, begin + packet.duration);
  }
}

absl::Status VideoDemuxer::CheckComplete() const {
  if (input_->pb != nullptr && input_->pb->error < 0) {
    return FfmpegStatus(input_->pb->error, path_ + ": reading failed",
                        absl::StatusCode::kDataLoss);
  }
  if (num_packets_ == 0) return Truncated(path_, "it holds no frame");
  RETURN_IF_ERROR(CheckFileSize());
  RETURN_IF_ERROR(CheckStructure());
  if (IsFormat("mpegts")) return CheckTransportStream();
  if (IsFormat("mjpeg")) return CheckLastJpeg();
  if (IsFormat("yuv4mpegpipe") || IsFormat("dv")) return CheckLastFrame();
  if (IsFormat("mp4")) {
    RETURN_IF_ERROR(CheckIndex());
    return CheckOneMovie();
  }
  if (IsFormat("asf")) RETURN_IF_ERROR(CheckOneMovie());
  return num_listed_ > 0 ? CheckAviIndex() : CheckDuration();
}

// FFmpeg searches on behind a damaged piece.
absl::Status VideoDemuxer::CheckAviIndex() const {
  if (num_filled_ >= num_listed_) return absl::OkStatus();
  return absl::DataLossError(
      absl::StrCat(path_, ": the file is damaged: its index lists ",
                   num_listed_, " frames, there are ", num_filled_));
}

absl::Status VideoDemuxer::CheckIndex() const {
  RETURN_IF_ERROR(times_);
  const int indexed = avformat_index_get_entries_count(stream_);
  if (num_packets_ >= indexed) return absl::OkStatus();
  return Truncated(path_, absl::StrCat("its index lists ", indexed,
                                       " frames, there are ", num_packets_));
}

absl::Status VideoDemuxer::CheckOneMovie() const {
  const std::unique_ptr<std::istream> file = OpenStream(origin_);
  if (file == nullptr) return absl::OkStatus();
  const std::optional<int64_t> second =
      IsFormat("asf") ? SecondAsf(*file) : SecondMovie(*file);
  if (!second) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat(
      path_, ": another file was joined to it at byte ", *second,
      ", which is not read; join videos by a program that knows their format"));
}

absl::Status VideoDemuxer::CheckDuration() const {
  const double tolerance =
      std::max(kDurationTolerance, 2.0 / av_q2d(frame_rate()));
  if (header_duration_ > 0 && end_ + tolerance < header_duration_) {
    return Truncated(
        path_, absl::StrFormat("its header states %.3f s, there are %.3f s",
                               header_duration_, end_));
  }
  // Without time stamps (AVI) a stream's duration is its number of frames.
  if (header_stream_duration_ > 0 && stream_end_ != INT64_MIN &&
      stream_end_ - std::max<int64_t>(0, stream_->start_time) <
          header_stream_duration_ &&
      IsFormat("avi")) {
    return Truncated(path_,
                     absl::StrCat("its header states ", header_stream_duration_,
                                  " frames, there are ", stream_end_));
  }
  return absl::OkStatus();
}

absl::Status VideoDemuxer::CheckFileSize() const {
  const std::unique_ptr<std::istream> file = OpenStream(origin_);
  if (file == nullptr) return absl::OkStatus();
  file->seekg(0, std::ios::end);
  const int64_t size = file->tellg();
  const std::optional<int64_t> stated = StatedEnd(*file);
  if (!stated || *stated <= size) return absl::OkStatus();
  return Truncated(path_, absl::StrCat("it has ", size, " bytes, at least ",
                                       *stated, " are stated in it"));
}

absl::Status VideoDemuxer::CheckStructure() const {
  const std::unique_ptr<std::istream> file = OpenStream(origin_);
  if (file == nullptr) return absl::OkStatus();
  const absl::StatusOr<std::optional<int64_t>> stored =
      CountStoredPackets(*file);
  RETURN_IF_ERROR(Named(stored.status()));
  if (num_all_packets_ >= stored->value_or(0)) return absl::OkStatus();
  return absl::DataLossError(
      absl::StrCat(path_, ": the file is damaged: ", num_all_packets_, " of ",
                   **stored, " frames and pieces of sound can be found"));
}

// Of raw Motion JPEG, where a cut between two pictures cannot be found.
absl::Status VideoDemuxer::CheckLastJpeg() const {
  constexpr int kMostPadding = 4096;
  const std::unique_ptr<std::istream> file = OpenStream(origin_);
  if (file == nullptr) return absl::OkStatus();
  ByteReader bytes(*file);
  const int64_t at = std::max<int64_t>(0, bytes.size() - kMostPadding);
  const std::string end = bytes.Bytes(at, static_cast<int>(bytes.size() - at));
  const size_t last = end.find_last_not_of('\0');
  if (absl::EndsWith(end.substr(0, last + 1), "\xff\xd9")) {
    return absl::OkStatus();
  }
  return Truncated(path_, "its last picture has no end");
}

// Of formats in which nothing stands behind the last frame. Of a part of one,
// FFmpeg gives nothing, or in DV fills it up with the frame before.
absl::Status VideoDemuxer::CheckLastFrame() const {
  if (avio_tell(input_->pb) == last_byte_) return absl::OkStatus();
  return Truncated(path_, "its last frame is not whole");
}

// Programs of one recording lie beside one another.
absl::Status VideoDemuxer::CheckOneRecording() const {
  const auto own = spans_.find(stream_->index);
  if (own == spans_.end()) return absl::OkStatus();
  for (const auto& [index, span] : spans_) {
    const bool is_beside =
        span.first <= own->second.last && span.last >= own->second.first;
    if (is_beside) continue;
    return absl::DataLossError(absl::StrCat(
        path_, ": another recording, whose stream has another number, is at ",
        "byte ", span.first,
        " and is not read; split the file there, and join videos by a program "
        "that knows their format"));
  }
  return absl::OkStatus();
}

absl::Status VideoDemuxer::CheckTransportStream() const {
  RETURN_IF_ERROR(CheckOneRecording());
  const std::unique_ptr<std::istream> file = OpenStream(origin_);
  if (file == nullptr) return absl::OkStatus();
  const absl::StatusOr<std::optional<int64_t>> stored =
      CountTimedPieces(*file, stream_->id);
  RETURN_IF_ERROR(Named(stored.status()));
  // FFmpeg's parser of a codec may drop the flag of a damaged packet.
  if (flaw_.ok()) {
    RETURN_IF_ERROR(Named(CheckPacketOrder(*file, stream_->id).flaw));
  }
  // Of other codecs, a packet may hold two fields, each a piece of its own.
  if (!packets_are_frames() || num_packets_ >= stored->value_or(0)) {
    return absl::OkStatus();
  }
  return absl::DataLossError(
      absl::StrCat(path_, ": the file is damaged: ", num_packets_, " of ",
                   **stored, " frames can be found"));
}

}  // namespace pipelines::media
