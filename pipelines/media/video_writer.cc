#include "pipelines/media/video_writer.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iterator>
#include <limits>
#include <optional>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "networks/files/atomic_file.h"
#include "networks/files/path_parts.h"
#include "opencv2/core.hpp"
#include "pipelines/media/audio_copier.h"
#include "pipelines/media/ffmpeg_util.h"
#include "pipelines/media/formats/webp_comment.h"
#include "pipelines/media/gif_colours.h"
#include "pipelines/media/media_input.h"
#include "pipelines/media/pixel_converter.h"
#include "pipelines/media/webp_animation.h"
#include "third_party/absl/status_macros.h"

extern "C" {
#include <libavutil/opt.h>
}

namespace pipelines::media {
namespace {

struct OutputFormat {
  const char* ending;
  const char* muxer;
  // The first one that this FFmpeg has is taken; a fallback carries a warning.
  std::vector<const char*> encoders;
  AVPixelFormat pixel_format = AV_PIX_FMT_YUV420P;
  // What holds alpha; none if null.
  const char* alpha_encoder = nullptr;
  AVPixelFormat alpha_pixel_format = AV_PIX_FMT_NONE;
};

bool IsGif(const OutputFormat& format) {
  return format.pixel_format == AV_PIX_FMT_PAL8;
}

bool IsWebp(const OutputFormat& format) {
  return format.pixel_format == AV_PIX_FMT_RGB32;
}

// 0 to 100: loss is hardly visible.
constexpr int kWebpQuality = 85;

// A GIF states times in hundredths of a second, and players take less than two
// for a mistake.
constexpr AVRational kGifTimeBase = {1, 100};
constexpr int64_t kGifMinPeriod = 2;

const OutputFormat* FindFormat(const std::string& path) {
  static const auto* const kFormats = new std::vector<OutputFormat>{
      {".mp4", "mp4", {"libx264", "libopenh264", "mpeg4"}},
      {".mov",
       "mov",
       {"libx264", "libopenh264", "mpeg4"},
       AV_PIX_FMT_YUV420P,
       "prores_ks",
       AV_PIX_FMT_YUVA444P10},
      {".mkv", "matroska", {"libx264", "libopenh264", "mpeg4"}},
      {".avi", "avi", {"mpeg4"}},
      {".webm",
       "webm",
       {"libvpx-vp9", "libvpx"},
       AV_PIX_FMT_YUV420P,
       "libvpx-vp9",
       AV_PIX_FMT_YUVA420P},
      {".gif", "gif", {"gif"}, AV_PIX_FMT_PAL8},
      {".webp",
       "webp",
       {"libwebp_anim"},
       AV_PIX_FMT_RGB32,
       "libwebp_anim",
       AV_PIX_FMT_RGB32},
  };
  const std::string name = networks::files::BaseName(path);
  for (const OutputFormat& format : *kFormats) {
    const absl::string_view ending = format.ending;
    if (name.size() > ending.size() && absl::EndsWithIgnoreCase(name, ending)) {
      return &format;
    }
  }
  return nullptr;
}

absl::Status Validate(const std::string& path,
                      const VideoWriterOptions& options) {
  const auto bad = [&path](const auto&... what) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": ", what...));
  };
  RETURN_IF_ERROR(VideoWriter::CheckEnding(path));
  if (options.with_alpha && FindFormat(path)->alpha_encoder == nullptr) {
    return bad("holds no transparency; use .webm, .mov, .webp or a folder");
  }
  constexpr int kMaxSide = 16384;  // of H.264, with room
  if (options.width < 1 || options.width > kMaxSide || options.height < 1 ||
      options.height > kMaxSide) {
    return bad("frame size ", options.width, "x", options.height,
               "; each side must be 1 to ", kMaxSide);
  }
  for (Rational r :
       {options.frame_rate, options.time_base.value_or(Rational{1, 1})}) {
    if (r.num < 1 || r.den < 1) {
      return bad("frame rate or time base ", r.num, "/", r.den,
                 "; both parts must be positive");
    }
  }
  if (options.crf < 0 || options.crf > 51) {
    return bad("crf ", options.crf, "; use 0 to 51");
  }
  return absl::OkStatus();
}

// FFmpeg's muxer writes no comment into a GIF. Puts a comment extension in
// front of the trailer of the finished file, [GIF89a, 24].
absl::Status AppendGifComment(absl::string_view comment,
                              const std::string& writable_path,
                              const std::string& path) {
  constexpr size_t kMaxBlock = 255;
  constexpr char kTrailer = ';';
  std::string extension = "!\xFE";
  for (; !comment.empty();
       comment.remove_prefix(std::min(kMaxBlock, comment.size()))) {
    const absl::string_view block = comment.substr(0, kMaxBlock);
    extension += static_cast<char>(block.size());
    extension.append(block.data(), block.size());
  }
  extension += '\0';
  extension += kTrailer;
  std::fstream file(writable_path,
                    std::ios::binary | std::ios::in | std::ios::out);
  file.seekg(-1, std::ios::end);
  if (file.get() != kTrailer) return absl::OkStatus();
  file.seekp(-1, std::ios::end);
  file << extension << std::flush;
  return file ? absl::OkStatus()
              : absl::ResourceExhaustedError(path + ": cannot be completed");
}

// MPEG-4 counts in units of at least 1/65535 s.
AVRational Reduced(AVRational rate) {
  constexpr int64_t kMax = 65535;
  AVRational reduced;
  av_reduce(&reduced.num, &reduced.den, rate.num, rate.den, kMax);
  return reduced;
}

int Even(int size) { return size + size % 2; }

}  // namespace

class VideoWriter::Impl {
 public:
  Impl(std::string path, VideoWriterOptions options)
      : path_(std::move(path)), options_(std::move(options)) {}
  ~Impl();

  absl::Status Open();
  absl::Status Write(const cv::Mat& rgb);
  absl::Status WriteAt(const cv::Mat& rgb, int64_t pts, int64_t duration);
  absl::Status Finish();
  void CutSoundToFrames() { options_.trim_audio = cut_sound_ = true; }

  const std::string& encoder() const { return encoder_name_; }
  const std::vector<std::string>& warnings() const { return warnings_; }

 private:
  bool is_gif() const { return IsGif(*FindFormat(path_)); }
  bool is_webp() const { return IsWebp(*FindFormat(path_)); }
  // Whether sides and colours are not those of 4:2:0 video.
  bool is_rgb() const { return is_gif() || is_webp(); }
  bool IsTooSoon(int64_t begin) const;
  // As the encoder of WebP rounds times.
  int64_t Milliseconds(int64_t time) const {
    return av_rescale_q_rnd(time, encoder_->time_base, {1, 1000},
                            AV_ROUND_DOWN);
  }
  bool is_avi() const { return FindFormat(path_)->muxer == std::string("avi"); }
  // Of the times that WriteAt takes.
  AVRational time_base() const {
    return options_.time_base ? ToFfmpeg(*options_.time_base)
                              : av_inv_q(ToFfmpeg(options_.frame_rate));
  }
  AVColorSpace Matrix() const;
  absl::StatusOr<const AVCodec*> FindEncoder();
  absl::Status OpenEncoder();
  absl::Status OpenFile();
  absl::Status SetOrigin(int64_t begin, double seconds);
  void PlaceInAvi(int64_t begin, double behind_sound);
  void NoteLate(int64_t pts, int64_t begin);
  absl::Status EncodeImage(const cv::Mat& rgb, int64_t pts);
  absl::Status EncodeGif();
  absl::Status Encode(const AVFrame* frame);
  absl::Status WritePacket();
  absl::Status CopyAudioUntil(double seconds);
  // If `status` tells of damage, and that is allowed; else returns it.
  absl::Status EndDamagedSound(const absl::Status& status);
  absl::Status FinishAudio();
  void StateLastGifDelay();
  void WarnOfLeftOut();
  void WarnOfLate();
  absl::Status CloseFile();
  absl::Status CompleteWebp();
  absl::Status Failed(int error, const std::string& what) const;
  absl::Status NotWritten(int error) const;

  std::string path_;
  VideoWriterOptions options_;
  std::optional<networks::files::AtomicFile> file_;  // none for a descriptor
  std::string writable_path_;
  AVFormatContext* output_ = nullptr;
  AVStream* stream_ = nullptr;
  CodecPtr encoder_;
  FramePtr frame_{av_frame_alloc()};
  PacketPtr packet_{av_packet_alloc()};
  PixelConverter converter_;
  GifColours gif_;
  std::unique_ptr<AudioCopier> audio_;
  std::string encoder_name_;
  std::vector<std::string> warnings_;

  int64_t next_pts_ = 0;  // of Write
  int64_t last_pts_ = std::numeric_limits<int64_t>::min();
  int64_t last_begin_ = std::numeric_limits<int64_t>::min();
  int64_t first_pts_ = 0;
  int64_t first_begin_ = 0;
  double latest_ = 0;         // seconds that a frame of an AVI is late at most
  int64_t end_ = 0;           // of what was written or left out
  int64_t num_left_out_ = 0;  // frames, of a GIF or WebP
  int64_t origin_ = 0;        // encoder's units off all times
  bool cut_sound_ = false;    // what is before the first frame, too
  // Encoders keep a packet's time but not how long it lasts.
  std::vector<std::pair<int64_t, int64_t>> durations_;  // pts, duration
};

VideoWriter::Impl::~Impl() {
  if (output_ == nullptr) return;  // published, or never begun
  avio_closep(&output_->pb);
  avformat_free_context(output_);
}

absl::Status VideoWriter::Impl::Failed(int error,
                                       const std::string& what) const {
  return FfmpegStatus(error, absl::StrCat(path_, ": ", what),
                      absl::StatusCode::kInternal);
}

// A muxer refuses what damaged sound states of itself, with the header or with
// the frame behind it.
absl::Status VideoWriter::Impl::NotWritten(int error) const {
  const bool is_refused =
      error == AVERROR(EINVAL) || error == AVERROR_INVALIDDATA;
  if (!is_refused || options_.audio_from.empty()) {
    return Failed(error, "cannot be written");
  }
  return Failed(error,
                absl::StrCat("cannot be written with the sound of ",
                             options_.audio_from, ", which may be damaged"));
}

absl::Status VideoWriter::Impl::Open() {
  SilenceFfmpeg();
  RETURN_IF_ERROR(Validate(path_, options_));
  const int error = avformat_alloc_output_context2(
      &output_, nullptr, FindFormat(path_)->muxer, path_.c_str());
  if (error < 0) return Failed(error, "its format is not in this FFmpeg");
  RETURN_IF_ERROR(OpenEncoder());
  if (!options_.audio_from.empty()) {
    ASSIGN_OR_RETURN(audio_, AudioCopier::Create(
                                 {options_.audio_from, options_.allow_addresses,
                                  nullptr, options_.stop},
                                 output_, &warnings_));
  }
  return OpenFile();
}

absl::StatusOr<const AVCodec*> VideoWriter::Impl::FindEncoder() {
  const OutputFormat& format = *FindFormat(path_);
  const std::vector<const char*> names =
      options_.with_alpha ? std::vector<const char*>{format.alpha_encoder}
                          : format.encoders;
  for (const char* name : names) {
    const AVCodec* codec = avcodec_find_encoder_by_name(name);
    if (codec == nullptr) continue;
    if (codec->id != AV_CODEC_ID_H264 && std::string(names[0]) == "libx264") {
      warnings_.push_back(absl::StrCat("this FFmpeg has no H.264 encoder; ",
                                       path_, " is written as ", name,
                                       ", which browsers may not play"));
    }
    encoder_name_ = name;
    return codec;
  }
  return absl::UnimplementedError(
      absl::StrCat(path_, ": this FFmpeg has none of the encoders ",
                   absl::StrJoin(names, ", ")));
}

// BT.709, which is written into the stream. An AVI cannot say it, and players
// take it for BT.601 up to 576 lines and below 1280 columns.
AVColorSpace VideoWriter::Impl::Matrix() const {
  const bool is_small = encoder_->height <= 576 && encoder_->width < 1280;
  return is_avi() && is_small ? AVCOL_SPC_SMPTE170M : AVCOL_SPC_BT709;
}

absl::Status VideoWriter::Impl::OpenEncoder() {
  ASSIGN_OR_RETURN(const AVCodec* codec, FindEncoder());
  encoder_.reset(avcodec_alloc_context3(codec));
  encoder_->width = is_rgb() ? options_.width : Even(options_.width);
  encoder_->height = is_rgb() ? options_.height : Even(options_.height);
  encoder_->pix_fmt = options_.with_alpha
                          ? FindFormat(path_)->alpha_pixel_format
                          : FindFormat(path_)->pixel_format;
  encoder_->framerate = is_avi() ? Reduced(ToFfmpeg(options_.frame_rate))
                                 : ToFfmpeg(options_.frame_rate);
  // An AVI has frames and no times, so that a finer unit would mean empty
  // frames.
  encoder_->time_base = is_gif()   ? kGifTimeBase
                        : is_avi() ? av_inv_q(encoder_->framerate)
                                   : time_base();
  if (!is_rgb()) {
    encoder_->color_range = AVCOL_RANGE_MPEG;
    encoder_->colorspace = Matrix();
    encoder_->color_primaries = AVCOL_PRI_BT709;
    encoder_->color_trc = AVCOL_TRC_BT709;
  }
  encoder_->thread_count = options_.threads;
  if (output_->oformat->flags & AVFMT_GLOBALHEADER) {
    encoder_->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
  }
  if (codec->id == AV_CODEC_ID_MPEG4) {
    // Quantiser 3 of 31 looks like crf 18.
    encoder_->flags |= AV_CODEC_FLAG_QSCALE;
    encoder_->global_quality = 3 * FF_QP2LAMBDA;
  }
  av_opt_set_int(encoder_->priv_data, "crf", options_.crf, 0);
  if (is_webp()) {
    av_opt_set_int(encoder_->priv_data, "quality", kWebpQuality, 0);
  }
  if (options_.with_alpha && !is_webp()) {
    // libvpx cannot have both; ProRes 422 is the default.
    av_opt_set_int(encoder_->priv_data, "auto-alt-ref", 0, 0);
    av_opt_set(encoder_->priv_data, "profile", "4444", 0);
  }
  const int error = avcodec_open2(encoder_.get(), codec, nullptr);
  if (error < 0) return Failed(error, "cannot start the encoder");

  stream_ = avformat_new_stream(output_, nullptr);
  stream_->time_base = encoder_->time_base;
  stream_->avg_frame_rate = encoder_->framerate;
  avcodec_parameters_from_context(stream_->codecpar, encoder_.get());

  frame_->width = encoder_->width;
  frame_->height = encoder_->height;
  frame_->format = encoder_->pix_fmt;
  // ProRes takes these from the frame.
  frame_->colorspace = encoder_->colorspace;
  frame_->color_primaries = encoder_->color_primaries;
  frame_->color_trc = encoder_->color_trc;
  frame_->color_range = encoder_->color_range;
  const int buffer_error = av_frame_get_buffer(frame_.get(), 0);
  return buffer_error < 0 ? Failed(buffer_error, "no memory for a frame")
                          : absl::OkStatus();
}

absl::Status VideoWriter::Impl::OpenFile() {
  if (options_.descriptor) {
    writable_path_ = absl::StrCat("/proc/self/fd/", *options_.descriptor);
  } else {
    networks::files::OutputOptions output;
    output.overwrite = options_.overwrite;
    ASSIGN_OR_RETURN(file_, networks::files::AtomicFile::Create(path_, output));
    writable_path_ = file_->WritablePath();
  }
  const std::string url = "file:" + writable_path_;
  int error = avio_open(&output_->pb, url.c_str(), AVIO_FLAG_WRITE);
  if (error < 0) return Failed(error, "cannot be written");
  // Faststart reads the file again under its URL.
  av_freep(&output_->url);
  output_->url = av_strdup(url.c_str());
  if (!options_.comment.empty()) {
    av_dict_set(&output_->metadata, "comment", options_.comment.c_str(), 0);
  }
  // FFmpeg would move the frames by whole places to make room for what comes
  // before 0.
  if (is_avi()) output_->avoid_negative_ts = AVFMT_AVOID_NEG_TS_DISABLED;
  AVDictionary* muxer_options = nullptr;
  av_dict_set(&muxer_options, "movflags", "+faststart", 0);
  if (is_webp()) av_dict_set(&muxer_options, "loop", "0", 0);  // for ever
  error = avformat_write_header(output_, &muxer_options);
  av_dict_free(&muxer_options);
  return error < 0 ? NotWritten(error) : absl::OkStatus();
}

// Behind the last frame that is written, for players to show both.
bool VideoWriter::Impl::IsTooSoon(int64_t begin) const {
  if (last_begin_ == std::numeric_limits<int64_t>::min()) return false;
  if (is_gif()) return begin < last_begin_ + kGifMinPeriod;
  return is_webp() &&
         Milliseconds(begin) < Milliseconds(last_begin_) + kShortestWebpFrame;
}

absl::Status VideoWriter::Impl::Write(const cv::Mat& rgb) {
  const AVRational period = av_inv_q(encoder_->framerate);
  const int64_t begin = av_rescale_q(next_pts_, period, time_base());
  const int64_t end = av_rescale_q(next_pts_ + 1, period, time_base());
  ++next_pts_;
  return WriteAt(rgb, begin, end - begin);
}

absl::Status VideoWriter::Impl::WriteAt(const cv::Mat& rgb, int64_t pts,
                                        int64_t duration) {
  CV_Assert(output_ != nullptr);  // not after Finish
  CV_Assert(rgb.type() == (options_.with_alpha ? CV_8UC4 : CV_8UC3) &&
            rgb.cols == options_.width && rgb.rows == options_.height);
  if (pts <= last_pts_ || duration < 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        path_, ": the time stamps must rise: ", last_pts_, ", then ", pts));
  }
  last_pts_ = pts;
  const AVRational unit = encoder_->time_base;
  int64_t begin = av_rescale_q(pts, time_base(), unit);
  if (last_begin_ == std::numeric_limits<int64_t>::min()) {
    RETURN_IF_ERROR(
        SetOrigin(begin, static_cast<double>(pts) * av_q2d(time_base())));
    first_pts_ = pts;
    first_begin_ = begin - origin_;
  }
  begin -= origin_;
  int64_t end = av_rescale_q(pts + duration, time_base(), unit) - origin_;
  if (is_avi()) {
    // Each frame takes a place of its own, in the order of times.
    if (begin <= last_begin_) {
      begin = last_begin_ + 1;
      NoteLate(pts, begin);
    }
    end = begin + 1;
  }
  end_ = end;
  if (IsTooSoon(begin)) {
    ++num_left_out_;
    return absl::OkStatus();
  }
  last_begin_ = begin;
  durations_.emplace_back(begin, end - begin);
  RETURN_IF_ERROR(EncodeImage(rgb, begin));
  return CopyAudioUntil(static_cast<double>(end) * av_q2d(unit));
}

// An AVI states no times: its sound begins at once, and so does its first
// frame, which is shown until the second frame's place.
void VideoWriter::Impl::PlaceInAvi(int64_t begin, double behind_sound) {
  const double unit = av_q2d(encoder_->time_base);
  const int64_t place = std::max<int64_t>(0, std::llround(behind_sound / unit));
  origin_ = begin - place;
  const double early = static_cast<double>(place) * unit - behind_sound;
  const auto warning = AviWarning("its sound", early);
  if (warning) warnings_.push_back(*warning);
}

// Of a frame beside sound, whose place was taken.
void VideoWriter::Impl::NoteLate(int64_t pts, int64_t begin) {
  if (audio_ == nullptr) return;
  const double stated =
      static_cast<double>(pts - first_pts_) * av_q2d(time_base());
  const double shown =
      static_cast<double>(begin - first_begin_) * av_q2d(encoder_->time_base);
  latest_ = std::max(latest_, shown - stated);
}

// `begin`: of the first frame; that is at `seconds` of the source.
absl::Status VideoWriter::Impl::SetOrigin(int64_t begin, double seconds) {
  const double unit = av_q2d(encoder_->time_base);
  if (options_.start_at_zero) origin_ = begin;
  if (audio_ != nullptr && cut_sound_) {
    audio_->LeaveOutBefore(static_cast<double>(begin - origin_) * unit);
  }
  if (!options_.start_at_zero || audio_ == nullptr) return absl::OkStatus();
  const absl::StatusOr<std::optional<double>> first = audio_->Begin();
  if (!first.ok()) return EndDamagedSound(first.status());
  const std::optional<double> sound = *first;
  if (is_avi() && sound && !cut_sound_) {
    constexpr int kMicroseconds = 1000000;
    audio_->Shift(std::llround(*sound * kMicroseconds), {1, kMicroseconds});
    PlaceInAvi(begin, seconds - *sound);
    return absl::OkStatus();
  }
  if (sound && !cut_sound_ && *sound < static_cast<double>(begin) * unit) {
    origin_ = static_cast<int64_t>(std::floor(*sound / unit));
    // An encoder's delay of which the source says nothing.
    constexpr double kPriming = 0.1;  // seconds
    if (begin >= 0 && *sound < 0 && *sound > -kPriming) origin_ = 0;
  }
  audio_->Shift(origin_, encoder_->time_base);
  return absl::OkStatus();
}

absl::Status VideoWriter::Impl::CopyAudioUntil(double seconds) {
  if (audio_ == nullptr) return absl::OkStatus();
  const absl::Status status = audio_->CopyUntil(seconds);
  return status.ok() ? status : EndDamagedSound(status);
}

absl::Status VideoWriter::Impl::EndDamagedSound(const absl::Status& status) {
  // A stop, or a disk that does not answer, is no damage.
  if (!options_.allow_damaged_audio || !absl::IsDataLoss(status)) return status;
  warnings_.push_back(
      absl::StrCat("the sound ends early: ", std::string(status.message())));
  return FinishAudio();
}

absl::Status VideoWriter::Impl::FinishAudio() {
  if (audio_ == nullptr) return absl::OkStatus();
  RETURN_IF_ERROR(audio_->Finish(&warnings_));
  audio_.reset();
  return absl::OkStatus();
}

absl::Status VideoWriter::Impl::EncodeImage(const cv::Mat& rgb, int64_t pts) {
  if (is_gif()) {
    gif_.Push(rgb, pts);
    return gif_.is_full() ? EncodeGif() : absl::OkStatus();
  }
  const int error = av_frame_make_writable(frame_.get());
  if (error < 0) return Failed(error, "no memory for a frame");
  if (!converter_.Convert(rgb, frame_.get())) {
    return absl::InternalError(path_ + ": the pixels cannot be converted");
  }
  frame_->pts = pts;
  return Encode(frame_.get());
}

// Those that wait for a palette.
absl::Status VideoWriter::Impl::EncodeGif() {
  absl::Status encoded;
  const absl::Status status = gif_.Flush(
      [&](const AVFrame& frame) { return encoded = Encode(&frame); });
  if (status.ok() || !encoded.ok()) return status;
  return absl::Status(status.code(),
                      absl::StrCat(path_, ": ", std::string(status.message())));
}

// A null frame flushes the encoder.
absl::Status VideoWriter::Impl::Encode(const AVFrame* frame) {
  int error = avcodec_send_frame(encoder_.get(), frame);
  if (error < 0) return Failed(error, "a frame cannot be encoded");
  while (true) {
    error = avcodec_receive_packet(encoder_.get(), packet_.get());
    if (error == AVERROR(EAGAIN) || error == AVERROR_EOF) {
      return absl::OkStatus();
    }
    if (error < 0) return Failed(error, "a frame cannot be encoded");
    RETURN_IF_ERROR(WritePacket());
  }
}

absl::Status VideoWriter::Impl::WritePacket() {
  const auto duration =
      std::find_if(durations_.begin(), durations_.end(),
                   [&](const auto& d) { return d.first == packet_->pts; });
  if (duration != durations_.end()) {
    packet_->duration = duration->second;
    durations_.erase(duration);
  }
  packet_->stream_index = stream_->index;
  av_packet_rescale_ts(packet_.get(), encoder_->time_base, stream_->time_base);
  const int error = av_interleaved_write_frame(output_, packet_.get());
  return error < 0 ? NotWritten(error) : absl::OkStatus();
}

absl::Status VideoWriter::Impl::Finish() {
  if (last_pts_ == std::numeric_limits<int64_t>::min()) {
    return absl::FailedPreconditionError(path_ + ": no frame was written");
  }
  RETURN_IF_ERROR(EncodeGif());
  RETURN_IF_ERROR(Encode(nullptr));
  if (!options_.trim_audio) {
    RETURN_IF_ERROR(CopyAudioUntil(std::numeric_limits<double>::infinity()));
  }
  RETURN_IF_ERROR(FinishAudio());
  if (is_gif()) StateLastGifDelay();
  WarnOfLeftOut();
  WarnOfLate();
  const int error = av_write_trailer(output_);
  if (error < 0) return Failed(error, "cannot be completed");
  RETURN_IF_ERROR(CloseFile());
  if (is_gif() && !options_.comment.empty()) {
    RETURN_IF_ERROR(AppendGifComment(options_.comment, writable_path_, path_));
  }
  if (is_webp()) RETURN_IF_ERROR(CompleteWebp());
  return file_ ? file_->Commit() : absl::OkStatus();
}

// FFmpeg would show the last frame as long as the one before.
void VideoWriter::Impl::StateLastGifDelay() {
  constexpr int64_t kMost = 65535;
  if (end_ <= last_begin_) return;
  av_opt_set_int(output_->priv_data, "final_delay",
                 std::clamp(end_ - last_begin_, kGifMinPeriod, kMost), 0);
}

void VideoWriter::Impl::WarnOfLeftOut() {
  if (num_left_out_ == 0) return;
  warnings_.push_back(absl::StrCat(
      path_, ": players show at most ", is_gif() ? "50" : "90",
      " frames a second of a ", is_gif() ? "gif; " : "webp; ", num_left_out_,
      num_left_out_ == 1 ? " is" : " are", " left out; an output named ",
      ".mp4 keeps them", is_gif() ? ", .webp up to 90 a second" : ""));
}

void VideoWriter::Impl::WarnOfLate() {
  const auto warning = AviWarning(
      "where frames come faster than at its rate, the sound", latest_);
  if (warning) warnings_.push_back(*warning);
}

absl::Status VideoWriter::Impl::CloseFile() {
  const int stored_error = output_->pb->error;
  const int close_error = avio_closep(&output_->pb);
  const int error = stored_error < 0 ? stored_error : close_error;
  if (error < 0) return Failed(error, "cannot be completed");
  avformat_free_context(output_);
  output_ = nullptr;
  return absl::OkStatus();
}

// libwebp shows the last frame as long as the others in the mean, and FFmpeg
// writes no comment.
absl::Status VideoWriter::Impl::CompleteWebp() {
  std::fstream file(writable_path_,
                    std::ios::binary | std::ios::in | std::ios::out);
  std::string webp(std::istreambuf_iterator<char>(file), {});
  if (webp.empty()) return absl::InternalError(path_ + ": cannot be read");
  const int64_t end = std::max(Milliseconds(end_),
                               Milliseconds(last_begin_) + kShortestWebpFrame);
  SetWebpDuration(end - Milliseconds(first_begin_), &webp);
  if (!options_.comment.empty()) {
    AddWebpComment(options_.comment, cv::Size(options_.width, options_.height),
                   options_.with_alpha, &webp);
  }
  file.clear();
  file.seekp(0);
  file << webp << std::flush;
  return file ? absl::OkStatus()
              : absl::ResourceExhaustedError(path_ + ": cannot be completed");
}

VideoWriter::VideoWriter(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
VideoWriter::~VideoWriter() = default;

absl::Status VideoWriter::CheckEnding(const std::string& path) {
  if (FindFormat(path) != nullptr) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      path,
      ": unknown ending; use .mp4, .mov, .mkv, .avi, .webm, .gif or .webp, or "
      ".png or .jpg for a single frame"));
}

absl::StatusOr<std::unique_ptr<VideoWriter>> VideoWriter::Create(
    const std::string& path, const VideoWriterOptions& options) {
  auto impl = std::make_unique<Impl>(path, options);
  RETURN_IF_ERROR(impl->Open());
  return std::unique_ptr<VideoWriter>(new VideoWriter(std::move(impl)));
}

absl::Status VideoWriter::Write(const cv::Mat& rgb) {
  return impl_->Write(rgb);
}
absl::Status VideoWriter::WriteAt(const cv::Mat& rgb, int64_t pts,
                                  int64_t duration) {
  return impl_->WriteAt(rgb, pts, duration);
}
absl::Status VideoWriter::Finish() { return impl_->Finish(); }
void VideoWriter::CutSoundToFrames() { impl_->CutSoundToFrames(); }
const std::string& VideoWriter::encoder() const { return impl_->encoder(); }
const std::vector<std::string>& VideoWriter::warnings() const {
  return impl_->warnings();
}

}  // namespace pipelines::media
