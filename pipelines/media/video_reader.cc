#include "pipelines/media/video_reader.h"

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "opencv2/core.hpp"
#include "pipelines/media/colour_tags.h"
#include "pipelines/media/deinterlacer.h"
#include "pipelines/media/ffmpeg_util.h"
#include "pipelines/media/formats/image_colours.h"
#include "pipelines/media/formats/image_header.h"
#include "pipelines/media/image_io.h"
#include "pipelines/media/input_address.h"
#include "pipelines/media/lost_frames.h"
#include "pipelines/media/media_input.h"
#include "pipelines/media/open_input.h"
#include "pipelines/media/rgb_converter.h"
#include "pipelines/media/video_demuxer.h"
#include "pipelines/media/wide_colours.h"
#include "third_party/absl/status_macros.h"
#include "third_party/ffmpeg/frame_fields.h"

extern "C" {
#include <libavutil/pixdesc.h>
}

namespace pipelines::media {
namespace {

// Of a PNG, FFmpeg says so where its pixels are stored in another order.
bool IsFilmedInterlaced(const AVFrame& frame, AVCodecID codec) {
  return ffmpeg::IsInterlaced(frame) && codec != AV_CODEC_ID_PNG &&
         codec != AV_CODEC_ID_APNG;
}

bool IsTooLarge(cv::Size size) {
  return int64_t{size.width} * size.height > kMaxVideoPixels;
}

int64_t FrameDuration(const AVFrame& frame) {
  const int64_t duration = ffmpeg::Duration(frame);
  return SaneTime(duration) == duration ? std::max<int64_t>(0, duration) : 0;
}

// Whether the header says that alpha lies beside the packets.
bool StatesAlpha(const AVStream& stream) {
  const AVDictionaryEntry* const alpha =
      av_dict_get(stream.metadata, "alpha_mode", nullptr, 0);
  return alpha != nullptr && alpha->value == absl::string_view("1");
}

// Whether it does: in Matroska, addition 1 of a packet of VP8 or VP9.
bool CarriesAlpha(const AVPacket& packet) {
  constexpr uint8_t kNumber[8] = {0, 0, 0, 0, 0, 0, 0, 1};
  size_t size = 0;
  const uint8_t* const addition = av_packet_get_side_data(
      &packet, AV_PKT_DATA_MATROSKA_BLOCKADDITIONAL, &size);
  return addition != nullptr && size > sizeof(kNumber) &&
         std::memcmp(addition, kNumber, sizeof(kNumber)) == 0;
}

// FFmpeg's own decoders of VP8 and VP9 leave out alpha; libvpx does not.
const AVCodec* FindDecoder(AVCodecID id, bool with_alpha) {
  const char* const name = id == AV_CODEC_ID_VP9   ? "libvpx-vp9"
                           : id == AV_CODEC_ID_VP8 ? "libvpx"
                                                   : nullptr;
  const AVCodec* codec = nullptr;
  if (with_alpha && name != nullptr) codec = avcodec_find_decoder_by_name(name);
  return codec != nullptr ? codec : avcodec_find_decoder(id);
}

// "" for a matrix that is read as it is, and for none.
std::string MatrixWarning(AVColorSpace matrix, const std::string& path) {
  if (matrix == AVCOL_SPC_UNSPECIFIED || IsKnownMatrix(matrix)) return "";
  const char* const name = av_color_space_name(matrix);
  return absl::StrCat(
      path, " states the colour matrix ", static_cast<int>(matrix), " (",
      name != nullptr ? name : "unknown",
      "), which is not read: its colours are taken as where none is stated; "
      "convert it to BT.709 if they are wrong");
}

// Of an animated PNG, FFmpeg keeps the chunks before the first frame, without
// the signature in front.
void SetPngColours(const AVCodecParameters& codec, RgbConverter* converter) {
  if (codec.codec_id != AV_CODEC_ID_APNG || codec.extradata_size <= 0) return;
  std::string png = "\x89PNG\r\n\x1a\n";
  png.append(reinterpret_cast<const char*>(codec.extradata),
             static_cast<size_t>(codec.extradata_size));
  converter->SetPicture(ReadImageColours(png), ReadPngOrientation(png));
}

}  // namespace

class VideoReader::Impl {
 public:
  Impl(MediaInput input, const FrameSourceOptions& options)
      : input_(std::move(input)), path_(input_.name), options_(options) {}

  absl::Status Open();
  const VideoInfo& info() const { return info_; }
  int64_t num_read() const { return num_read_; }
  absl::StatusOr<std::optional<VideoFrame>> Next();
  absl::StatusOr<int64_t> Count();
  std::string damage() const;

 private:
  absl::StatusOr<int64_t> CountRest();
  absl::Status OpenDecoder(bool with_alpha);
  void FillInfo();
  absl::StatusOr<bool> Decode();
  absl::StatusOr<bool> DecodeStored();
  absl::StatusOr<bool> ReadPacket();
  absl::Status SendNextPacket();
  absl::Status CheckBeginning();
  absl::Status CheckNothingLost() const;
  absl::Status CannotDecode(int error) const;
  absl::Status Allow(const absl::Status& damage);
  int64_t FramePts();
  bool IsDamaged() const;
  absl::StatusOr<VideoFrame> TakeFrame();
  double SecondsRead() const;
  absl::Status Locate(const absl::Status& status) const;
  void NoteHdr(AVColorTransferCharacteristic transfer);
  void NoteLateAudio();
  void NoteDamage(const absl::Status& status);
  int64_t NumExpected() const;

  MediaInput input_;
  std::string path_;
  FrameSourceOptions options_;
  std::unique_ptr<VideoDemuxer> demuxer_;
  CodecPtr decoder_;
  PacketPtr packet_{av_packet_alloc()};
  FramePtr frame_{av_frame_alloc()};
  Deinterlacer deinterlacer_;
  RgbConverter converter_;
  VideoInfo info_;

  int64_t num_read_ = 0;
  int64_t first_pts_ = 0;
  int64_t last_pts_ = 0;  // of the frame before
  int64_t next_pts_ = 0;  // where the frame before ends
  int64_t jump_ = 0;      // added to the file's times, see FramePts
  absl::Status error_;    // sticks
  bool at_end_ = false;   // by counting
  bool is_interlaced_ = false;
  bool is_hdr_noted_ = false;
  bool is_late_audio_noted_ = false;
  bool is_begun_ = false;                // a packet was sent to the decoder
  int64_t first_sent_ = AV_NOPTS_VALUE;  // when its frame is shown
  bool is_decoded_ = false;              // all that is stored

  // Times of the packets before the first frame, as far as they have some.
  std::vector<int64_t> first_packets_;
  int64_t num_not_sent_ = 0;  // packets before the first key frame
  int64_t num_cut_off_ = 0;   // frames before the first that can be decoded

  // With allow_damaged.
  int64_t num_concealed_ = 0;  // frames that the decoder painted over
  std::string first_damage_;   // "after frame 17 (0.680 s): ..."
};

absl::Status VideoReader::Impl::Open() {
  ASSIGN_OR_RETURN(demuxer_, VideoDemuxer::Open(input_));
  converter_ = RgbConverter(demuxer_->stream(),
                            demuxer_->PixelAspect(/*frame=*/nullptr));
  const AVCodecParameters& codec = *demuxer_->stream().codecpar;
  SetPngColours(codec, &converter_);
  const cv::Size stored(codec.width, codec.height);
  if (stored.empty() || IsTooLarge(converter_.ShownSize(stored))) {
    return absl::InvalidArgumentError(absl::StrCat(
        path_, ": its frames have ", codec.width, "x", codec.height,
        " pixels; 1 to ", kMaxVideoPixels, " are accepted"));
  }
  RETURN_IF_ERROR(OpenDecoder(StatesAlpha(demuxer_->stream())));
  FillInfo();
  return absl::OkStatus();
}

absl::Status VideoReader::Impl::OpenDecoder(bool with_alpha) {
  const AVCodecParameters* parameters = demuxer_->stream().codecpar;
  const AVCodec* codec = FindDecoder(parameters->codec_id, with_alpha);
  if (codec == nullptr) {
    return absl::InvalidArgumentError(
        absl::StrCat(path_, ": this FFmpeg has no decoder for ",
                     avcodec_get_name(parameters->codec_id)));
  }
  decoder_.reset(avcodec_alloc_context3(codec));
  avcodec_parameters_to_context(decoder_.get(), parameters);
  decoder_->pkt_timebase = demuxer_->time_base();
  decoder_->thread_count = options_.threads;
  decoder_->max_pixels = kMaxVideoPixels;
  // By default decoders paint over what is damaged and tell nobody.
  if (!options_.allow_damaged) {
    decoder_->err_recognition |= AV_EF_EXPLODE | AV_EF_CRCCHECK;
  }
  const int error = avcodec_open2(decoder_.get(), codec, nullptr);
  if (error < 0) {
    return FfmpegStatus(error, path_ + ": cannot start its decoder",
                        absl::StatusCode::kInvalidArgument);
  }
  return absl::OkStatus();
}

void VideoReader::Impl::FillInfo() {
  const AVCodecParameters& codec = *demuxer_->stream().codecpar;
  const cv::Size size =
      converter_.ShownSize(cv::Size(codec.width, codec.height));
  info_.width = size.width;
  info_.height = size.height;
  info_.frame_rate = FromFfmpeg(demuxer_->frame_rate());
  info_.has_assumed_rate = demuxer_->has_assumed_rate();
  info_.time_base = FromFfmpeg(demuxer_->time_base());
  info_.num_frames = demuxer_->num_indexed();
  info_.duration = demuxer_->duration();
  info_.has_audio = demuxer_->has_audio();
  NoteHdr(codec.color_trc);
  info_.is_live = input_.allow_addresses && IsDevice(path_);
  info_.reads_once =
      info_.is_live || (input_.bytes == nullptr && IsPipe(path_));
  const std::string warning = MatrixWarning(codec.color_space, path_);
  if (!warning.empty()) info_.warnings.push_back(warning);
}

// Players count from the first frame, whatever the file's clock.
double VideoReader::Impl::SecondsRead() const {
  return static_cast<double>(next_pts_ - first_pts_) * info_.time_base.value();
}

// Says how far reading got. The demuxer's and decoder's words already name the
// path.
absl::Status VideoReader::Impl::Locate(const absl::Status& status) const {
  std::string where = absl::StrFormat(" (%d frames read, up to %.3f s",
                                      num_read_, SecondsRead());
  if (info_.num_frames) {
    absl::StrAppend(&where, "; the file should have ", *info_.num_frames);
  }
  where += ")";
  if (absl::IsDataLoss(status) && !options_.damage_advice.empty()) {
    absl::StrAppend(&where, "; ", options_.damage_advice);
  }
  return absl::Status(status.code(),
                      absl::StrCat(std::string(status.message()), where));
}

// It is decoded well and not shown as it was filmed.
void VideoReader::Impl::NoteHdr(AVColorTransferCharacteristic transfer) {
  if (is_hdr_noted_ || !IsHdr(transfer)) return;
  is_hdr_noted_ = true;
  info_.warnings.push_back(absl::StrCat(
      path_,
      " is HDR, which is mapped to ordinary colours: its reference white "
      "becomes white, and brighter light has hardly any steps left"));
}

void VideoReader::Impl::NoteLateAudio() {
  if (is_late_audio_noted_ || !demuxer_->has_late_audio()) return;
  is_late_audio_noted_ = true;
  info_.warnings.push_back(absl::StrCat(
      "a track of the sound of ", path_,
      " begins too late and is left out; split the file where it begins to "
      "keep it"));
}

void VideoReader::Impl::NoteDamage(const absl::Status& status) {
  if (!first_damage_.empty()) return;
  const std::string where = num_read_ == 0
                                ? "at the beginning"
                                : absl::StrFormat("after frame %d (%.3f s)",
                                                  num_read_, SecondsRead());
  first_damage_ = absl::StrCat(where, ": ", std::string(status.message()));
}

absl::Status VideoReader::Impl::CannotDecode(int error) const {
  const char* what =
      num_read_ == 0
          ? ": the beginning cannot be decoded, as where a recording begins "
            "between two key frames"
          : ": a frame cannot be decoded";
  return FfmpegStatus(error, path_ + what, absl::StatusCode::kDataLoss);
}

// OK, with a note for damage(), where damage is allowed; else `damage` itself.
absl::Status VideoReader::Impl::Allow(const absl::Status& damage) {
  if (!options_.allow_damaged || absl::IsCancelled(damage)) return damage;
  NoteDamage(damage);
  return absl::OkStatus();
}

// Frames by the file's index, or that were met as packets or are missing
// between them.
int64_t VideoReader::Impl::NumExpected() const {
  if (info_.num_frames) return *info_.num_frames;
  const int64_t met = demuxer_->packets_are_frames() ? demuxer_->num_shown()
                                                     : num_cut_off_ + num_read_;
  return met + demuxer_->num_missing();
}

std::string VideoReader::Impl::damage() const {
  if (first_damage_.empty()) return "";
  const int64_t lost = std::max<int64_t>(0, NumExpected() - num_read_);
  if (lost == 0 && num_concealed_ == 0) {
    return NoLostFrames(first_damage_);
  }
  std::string words = LostFrames(lost, NumExpected());
  if (num_concealed_ > 0) {
    absl::StrAppend(&words, " and ", num_concealed_, " damaged");
  }
  return absl::StrCat(words, ", the first ", first_damage_);
}

absl::StatusOr<std::optional<VideoFrame>> VideoReader::Impl::Next() {
  RETURN_IF_ERROR(error_);
  if (at_end_) return std::nullopt;
  const absl::StatusOr<bool> decoded = Decode();
  if (!decoded.ok()) return error_ = Locate(decoded.status());
  if (!*decoded) return std::nullopt;
  absl::StatusOr<VideoFrame> frame = TakeFrame();
  if (!frame.ok()) return error_ = Locate(frame.status());
  return *std::move(frame);
}

// Fills frame_ with a frame that is to be shown; false at the end of the video.
absl::StatusOr<bool> VideoReader::Impl::Decode() {
  while (!deinterlacer_.Pull(frame_.get())) {
    if (is_decoded_) {
      const absl::Status lost = CheckNothingLost();
      if (!lost.ok()) RETURN_IF_ERROR(Allow(lost));
      return false;
    }
    ASSIGN_OR_RETURN(const bool is_there, DecodeStored());
    if (!is_there) {
      is_decoded_ = true;
      deinterlacer_.Flush();
      continue;
    }
    is_interlaced_ =
        is_interlaced_ ||
        IsFilmedInterlaced(*frame_, demuxer_->stream().codecpar->codec_id);
    if (!is_interlaced_) return true;
    deinterlacer_.Push(frame_.get());
  }
  return true;
}

// Fills frame_ with the next one that is stored; false behind the last.
absl::StatusOr<bool> VideoReader::Impl::DecodeStored() {
  while (true) {
    const int error = avcodec_receive_frame(decoder_.get(), frame_.get());
    if (error == AVERROR(EAGAIN)) {
      RETURN_IF_ERROR(SendNextPacket());
      continue;
    }
    if (error == AVERROR_EOF) return false;
    if (error >= 0) {
      MakeColoursSane(frame_.get());
      FillColours(*demuxer_->stream().codecpar, frame_.get());
    }
    absl::Status status;
    if (error < 0) {
      status = CannotDecode(error);
    } else if (IsDamaged()) {
      status = absl::DataLossError(path_ + ": a frame is damaged");
    }
    if (status.ok()) return true;
    RETURN_IF_ERROR(Allow(status));
    if (error >= 0) {
      ++num_concealed_;
      return true;  // painted over, better than a gap
    }
  }
}

bool VideoReader::Impl::IsDamaged() const {
  return (frame_->flags & AV_FRAME_FLAG_CORRUPT) != 0 ||
         frame_->decode_error_flags != 0;
}

// The next packet; false at the end, which allowed damage may bring, too.
absl::StatusOr<bool> VideoReader::Impl::ReadPacket() {
  const absl::StatusOr<bool> more = demuxer_->Next(packet_.get());
  if (!more.ok()) {
    RETURN_IF_ERROR(Allow(more.status()));
    return false;
  }
  NoteLateAudio();
  if (*more && packet_->flags & AV_PKT_FLAG_CORRUPT) {
    RETURN_IF_ERROR(Allow(demuxer_->flaw()));
  }
  return more;
}

absl::Status VideoReader::Impl::SendNextPacket() {
  ASSIGN_OR_RETURN(const bool more, ReadPacket());
  if (more && num_read_ == 0 && demuxer_->is_shown() &&
      packet_->pts != AV_NOPTS_VALUE) {
    first_packets_.push_back(packet_->pts);
  }
  if (more && demuxer_->is_before_key()) {
    ++num_not_sent_;
    av_packet_unref(packet_.get());
    return absl::OkStatus();
  }
  if (more && !is_begun_) {
    is_begun_ = true;
    first_sent_ = packet_->pts;
    if (CarriesAlpha(*packet_) && !StatesAlpha(demuxer_->stream())) {
      RETURN_IF_ERROR(OpenDecoder(/*with_alpha=*/true));
    }
  }
  // A video that was cut without encoding it anew hides what comes before its
  // first key frame, and what that refers to is cut off.
  const bool is_cut = more && packet_->flags & AV_PKT_FLAG_DISCARD &&
                      packet_->pts < first_sent_;
  const int error =
      avcodec_send_packet(decoder_.get(), more ? packet_.get() : nullptr);
  av_packet_unref(packet_.get());
  if (error >= 0 || error == AVERROR_EOF || is_cut) return absl::OkStatus();
  return Allow(CannotDecode(error));
}

// A recording may begin between two frames that can be decoded alone; decoders
// leave out what comes before such a one, without a word.
absl::Status VideoReader::Impl::CheckBeginning() {
  const int64_t begin = frame_->best_effort_timestamp;
  const bool can_count = demuxer_->packets_are_frames() || num_not_sent_ > 0;
  int64_t lost = num_not_sent_;
  if (can_count && begin != AV_NOPTS_VALUE) {
    lost = std::max<int64_t>(
        lost, std::count_if(first_packets_.begin(), first_packets_.end(),
                            [&](int64_t pts) { return pts < begin; }));
  }
  if (lost == 0) return absl::OkStatus();
  num_cut_off_ = lost;
  return absl::DataLossError(
      absl::StrCat(path_, ": the first ", lost,
                   lost == 1 ? " frame cannot" : " frames cannot",
                   " be decoded, for the file begins between two key frames"));
}

// A decoder may swallow a packet that it does not understand.
absl::Status VideoReader::Impl::CheckNothingLost() const {
  if (!demuxer_->packets_are_frames() || num_read_ >= demuxer_->num_shown()) {
    if (num_read_ > 0) return absl::OkStatus();
    return absl::DataLossError(path_ + ": no frame can be decoded");
  }
  return absl::DataLossError(
      absl::StrCat(path_, ": ", demuxer_->num_shown() - num_read_, " of ",
                   demuxer_->num_shown(), " frames cannot be decoded"));
}

// Rises from frame to frame, also where the file's times do not.
int64_t VideoReader::Impl::FramePts() {
  const int64_t stated = SaneTime(frame_->best_effort_timestamp);
  if (stated == AV_NOPTS_VALUE) return num_read_ == 0 ? 0 : next_pts_;
  if (num_read_ == 0) return stated;
  // Behind one another, two recordings have two clocks: the second goes on
  // where the first ended.
  constexpr double kBack = 0.5, kAhead = 10;  // seconds of another clock
  const double unit = info_.time_base.value();
  const double back = static_cast<double>(last_pts_ - (stated + jump_)) * unit;
  const double ahead = static_cast<double>(stated + jump_ - next_pts_) * unit;
  if (back > kBack || (ahead > kAhead && demuxer_->has_jumping_clock())) {
    jump_ = next_pts_ - stated;
  }
  // Broken muxers repeat time stamps.
  return std::max(stated + jump_, last_pts_ + 1);
}

absl::StatusOr<VideoFrame> VideoReader::Impl::TakeFrame() {
  if (num_read_ == 0) {
    const absl::Status beginning = CheckBeginning();
    if (!beginning.ok()) RETURN_IF_ERROR(Allow(beginning));
    first_packets_.clear();
  }
  // Broadcasts change it, too.
  converter_.SetPixelAspect(demuxer_->PixelAspect(frame_.get()));
  const cv::Size size(frame_->width, frame_->height);
  if (IsTooLarge(converter_.ShownSize(size))) {
    return absl::DataLossError(path_ + ": a frame has an absurd size");
  }
  NoteHdr(frame_->color_trc);  // which HEVC may state beside its frames alone
  cv::Mat alpha;
  const cv::Mat rgb = converter_.Convert(*frame_, &alpha);
  if (rgb.empty()) {
    return absl::UnimplementedError(
        absl::StrCat(path_, ": its pixel format cannot be converted to RGB"));
  }
  VideoFrame result;
  // The shown size may change within a video, as where a phone is turned.
  const cv::Size shown(info_.width, info_.height);
  result.rgb = CropAndResize(rgb, shown);
  if (!alpha.empty()) result.alpha = CropAndResize(alpha, shown);
  result.duration = FrameDuration(*frame_);
  // That of a field is half of it.
  if (result.duration == 0 || demuxer_->has_field_packets()) {
    result.duration =
        std::max<int64_t>({1, result.duration,
                           av_rescale_q(1, av_inv_q(ToFfmpeg(info_.frame_rate)),
                                        ToFfmpeg(info_.time_base))});
  }
  result.pts = FramePts();
  // Sums of such times overflow, here and where they are used.
  if (SaneTime(result.pts) == AV_NOPTS_VALUE) {
    return absl::DataLossError(path_ + ": its frame times are damaged");
  }
  if (num_read_ == 0) first_pts_ = result.pts;
  ++num_read_;
  last_pts_ = result.pts;
  next_pts_ = result.pts + result.duration;
  return result;
}

absl::StatusOr<int64_t> VideoReader::Impl::Count() {
  const absl::StatusOr<int64_t> count = CountRest();
  if (!info_.duration) info_.duration = demuxer_->seconds_read();
  return count;
}

absl::StatusOr<int64_t> VideoReader::Impl::CountRest() {
  const bool has_begun = num_read_ > 0;
  std::optional<VideoFrame> frame;
  if (!has_begun || !demuxer_->packets_are_frames()) {
    ASSIGN_OR_RETURN(frame, Next());
  }
  while (frame && !demuxer_->packets_are_frames()) {
    ASSIGN_OR_RETURN(frame, Next());
  }
  if (!demuxer_->packets_are_frames()) return num_read_;
  while (true) {
    const absl::StatusOr<bool> more = ReadPacket();
    if (!more.ok()) return error_ = Locate(more.status());
    if (!*more) {
      at_end_ = true;
      return demuxer_->num_shown();
    }
  }
}

VideoReader::VideoReader(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
VideoReader::~VideoReader() = default;

absl::StatusOr<std::unique_ptr<VideoReader>> VideoReader::Open(
    const std::string& path, const FrameSourceOptions& options) {
  return Open(
      std::make_unique<Impl>(MediaInput{path, options.allow_addresses, nullptr,
                                        options.stop, options.image_rate},
                             options));
}

absl::StatusOr<std::unique_ptr<VideoReader>> VideoReader::OpenBytes(
    std::shared_ptr<const std::string> bytes, const std::string& name,
    const FrameSourceOptions& options) {
  return Open(std::make_unique<Impl>(
      MediaInput{name, /*allow_addresses=*/false, std::move(bytes),
                 /*stop=*/nullptr, options.image_rate},
      options));
}

absl::StatusOr<std::unique_ptr<VideoReader>> VideoReader::Open(
    std::unique_ptr<Impl> impl) {
  RETURN_IF_ERROR(impl->Open());
  return std::unique_ptr<VideoReader>(new VideoReader(std::move(impl)));
}

const VideoInfo& VideoReader::info() const { return impl_->info(); }
int64_t VideoReader::num_read() const { return impl_->num_read(); }
std::string VideoReader::damage() const { return impl_->damage(); }

absl::StatusOr<std::optional<VideoFrame>> VideoReader::Next() {
  return impl_->Next();
}

absl::StatusOr<int64_t> VideoReader::Count() { return impl_->Count(); }

absl::StatusOr<int64_t> CountFrames(const std::string& path) {
  ASSIGN_OR_RETURN(const std::unique_ptr<VideoReader> reader,
                   VideoReader::Open(path));
  return reader->Count();
}

absl::StatusOr<std::string> ReadComment(const std::string& path) {
  ASSIGN_OR_RETURN(const InputPtr input, OpenInput({path}));
  const AVDictionaryEntry* comment =
      av_dict_get(input->metadata, "comment", nullptr, 0);
  return std::string(comment == nullptr ? "" : comment->value);
}

}  // namespace pipelines::media
