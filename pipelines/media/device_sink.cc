#include "pipelines/media/device_sink.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <limits>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "pipelines/media/ffmpeg_util.h"
#include "pipelines/media/pixel_converter.h"
#include "third_party/absl/status_macros.h"

extern "C" {
#include <libavutil/imgutils.h>
}

namespace pipelines::media {
namespace {

constexpr char kPrefix[] = "v4l2:";
constexpr char kMuxer[] = "v4l2";
constexpr AVPixelFormat kPixelFormat = AV_PIX_FMT_YUV420P;
// How often it is asked whether to stop.
constexpr double kLongestSleep = 0.05;  // seconds

int Even(int size) { return size + size % 2; }

struct OutputDeleter {
  void operator()(AVFormatContext* output) const {
    if (!(output->oformat->flags & AVFMT_NOFILE)) avio_closep(&output->pb);
    avformat_free_context(output);
  }
};

class DeviceSink : public FrameSink {
 public:
  DeviceSink(std::string name, VideoWriterOptions options, SinkClock clock)
      : name_(std::move(name)),
        options_(std::move(options)),
        clock_(std::move(clock)) {}
  // The trailer closes the device.
  ~DeviceSink() override {
    if (has_begun_) av_write_trailer(output_.get());
  }

  absl::Status Open(const std::string& muxer, const std::string& address);

  absl::Status Write(const cv::Mat& rgb) override {
    const AVRational period = av_inv_q(ToFfmpeg(options_.frame_rate));
    const int64_t begin = av_rescale_q(num_written_, period, time_base());
    const int64_t end = av_rescale_q(num_written_ + 1, period, time_base());
    return WriteAt(rgb, begin, end - begin);
  }
  absl::Status WriteAt(const cv::Mat& rgb, int64_t pts,
                       int64_t duration) override;
  absl::Status Finish() override;

  const std::vector<std::string>& warnings() const override {
    return warnings_;
  }

 private:
  AVRational time_base() const {
    return options_.time_base ? ToFfmpeg(*options_.time_base)
                              : av_inv_q(ToFfmpeg(options_.frame_rate));
  }
  absl::Status MakeStream();
  void WaitUntil(double seconds) const;
  absl::Status Failed(int error, const std::string& what) const {
    return FfmpegStatus(error, absl::StrCat(name_, ": ", what),
                        absl::StatusCode::kInvalidArgument);
  }

  const std::string name_;
  const VideoWriterOptions options_;
  const SinkClock clock_;
  std::unique_ptr<AVFormatContext, OutputDeleter> output_;
  FramePtr frame_{av_frame_alloc()};
  PacketPtr packet_{av_packet_alloc()};
  PixelConverter converter_;
  std::vector<std::string> warnings_;
  bool has_begun_ = false;
  int64_t num_written_ = 0;
  int64_t first_pts_ = 0;
  int64_t last_pts_ = std::numeric_limits<int64_t>::min();
  double begin_ = 0;  // the clock's time of the first frame
};

absl::Status DeviceSink::MakeStream() {
  AVStream* stream = avformat_new_stream(output_.get(), nullptr);
  if (stream == nullptr) return Failed(AVERROR(ENOMEM), "no memory");
  AVCodecParameters* video = stream->codecpar;
  video->codec_type = AVMEDIA_TYPE_VIDEO;
  video->codec_id = AV_CODEC_ID_RAWVIDEO;
  video->format = kPixelFormat;
  video->width = Even(options_.width);
  video->height = Even(options_.height);
  stream->time_base = time_base();
  stream->avg_frame_rate = ToFfmpeg(options_.frame_rate);
  frame_->width = video->width;
  frame_->height = video->height;
  frame_->format = kPixelFormat;
  frame_->colorspace = AVCOL_SPC_SMPTE170M;
  const int error = av_frame_get_buffer(frame_.get(), 0);
  return error < 0 ? Failed(error, "no memory for a frame") : absl::OkStatus();
}

absl::Status DeviceSink::Open(const std::string& muxer,
                              const std::string& address) {
  AVFormatContext* output = nullptr;
  int error = avformat_alloc_output_context2(&output, nullptr, muxer.c_str(),
                                             address.c_str());
  if (error < 0) {
    return absl::UnimplementedError(absl::StrCat(
        name_, ": this FFmpeg has no output '", muxer,
        "'; use one whose libavdevice was built with it, as Debian's is"));
  }
  output_.reset(output);
  RETURN_IF_ERROR(MakeStream());
  if (!(output->oformat->flags & AVFMT_NOFILE)) {
    error = avio_open(&output->pb, address.c_str(), AVIO_FLAG_WRITE);
    if (error < 0) return Failed(error, "cannot be written");
  }
  error = avformat_write_header(output, nullptr);
  if (error < 0) {
    return Failed(error,
                  "takes no video; is it a device of v4l2loopback that no "
                  "other program writes to?");
  }
  has_begun_ = true;
  if (!options_.audio_from.empty()) {
    warnings_.push_back(absl::StrCat("a video device holds no sound; that of ",
                                     options_.audio_from, " is left out"));
  }
  return absl::OkStatus();
}

void DeviceSink::WaitUntil(double seconds) const {
  for (double left = seconds - clock_.now(); left > 0;
       left = seconds - clock_.now()) {
    if (options_.stop && options_.stop()) return;
    clock_.sleep(std::min(left, kLongestSleep));
  }
}

absl::Status DeviceSink::WriteAt(const cv::Mat& rgb, int64_t pts, int64_t) {
  CV_Assert(output_ != nullptr);  // not after Finish
  CV_Assert(rgb.type() == CV_8UC3 && rgb.cols == options_.width &&
            rgb.rows == options_.height);
  if (pts <= last_pts_) {
    return absl::InvalidArgumentError(absl::StrCat(
        name_, ": the time stamps must rise: ", last_pts_, ", then ", pts));
  }
  last_pts_ = pts;
  if (num_written_++ == 0) {
    begin_ = clock_.now();
    first_pts_ = pts;
  }
  if (!converter_.Convert(rgb, frame_.get())) {
    return absl::InternalError(name_ + ": the pixels cannot be converted");
  }
  const int size = av_image_get_buffer_size(kPixelFormat, frame_->width,
                                            frame_->height, /*align=*/1);
  int error = av_new_packet(packet_.get(), size);
  if (error < 0) return Failed(error, "no memory for a frame");
  av_image_copy_to_buffer(packet_->data, size, frame_->data, frame_->linesize,
                          kPixelFormat, frame_->width, frame_->height, 1);
  packet_->pts = packet_->dts = pts - first_pts_;
  packet_->flags |= AV_PKT_FLAG_KEY;
  av_packet_rescale_ts(packet_.get(), time_base(),
                       output_->streams[0]->time_base);
  WaitUntil(begin_ +
            static_cast<double>(pts - first_pts_) * av_q2d(time_base()));
  error = av_write_frame(output_.get(), packet_.get());
  av_packet_unref(packet_.get());
  return error < 0 ? Failed(error, "cannot be written") : absl::OkStatus();
}

absl::Status DeviceSink::Finish() {
  if (num_written_ == 0) {
    return absl::FailedPreconditionError(name_ + ": no frame was written");
  }
  const int error = av_write_trailer(output_.get());
  has_begun_ = false;
  output_.reset();
  return error < 0 ? Failed(error, "cannot be completed") : absl::OkStatus();
}

absl::Status CheckDevice(const std::string& name, const std::string& path) {
  if (!absl::StartsWith(path, "/")) {
    return absl::InvalidArgumentError(absl::StrCat(
        "output '", name,
        "' names no device; use v4l2: and its path, as v4l2:/dev/video9"));
  }
  struct stat info;
  if (stat(path.c_str(), &info) != 0) {
    return absl::NotFoundError(absl::StrCat(
        name, ": there is no ", path,
        "; this makes a virtual camera of that name on Debian: apt install "
        "v4l2loopback-dkms; modprobe v4l2loopback video_nr=9 exclusive_caps=1 "
        "(9 for /dev/video9)"));
  }
  if (!S_ISCHR(info.st_mode)) {
    return absl::InvalidArgumentError(absl::StrCat(
        name, ": ", path, " is no device; leave out v4l2: to write a file"));
  }
  return absl::OkStatus();
}

}  // namespace

bool IsDeviceOutput(const std::string& output) {
  return absl::StartsWith(output, kPrefix);
}

SinkClock SystemClock() {
  using Seconds = std::chrono::duration<double>;
  return {
      [] {
        return Seconds(std::chrono::steady_clock::now().time_since_epoch())
            .count();
      },
      [](double seconds) { std::this_thread::sleep_for(Seconds(seconds)); }};
}

absl::StatusOr<std::unique_ptr<FrameSink>> OpenRawSink(
    const std::string& name, const std::string& muxer,
    const std::string& address, const VideoWriterOptions& options,
    const SinkClock& clock) {
  SilenceFfmpeg();
  avdevice_register_all();
  auto sink = std::make_unique<DeviceSink>(name, options, clock);
  RETURN_IF_ERROR(sink->Open(muxer, address));
  return std::unique_ptr<FrameSink>(std::move(sink));
}

absl::StatusOr<std::unique_ptr<FrameSink>> OpenDeviceSink(
    const std::string& name, const VideoWriterOptions& options) {
  const std::string path =
      name.substr(std::min(name.size(), sizeof(kPrefix) - 1));
  RETURN_IF_ERROR(CheckDevice(name, path));
  return OpenRawSink(name, kMuxer, path, options, SystemClock());
}

}  // namespace pipelines::media
