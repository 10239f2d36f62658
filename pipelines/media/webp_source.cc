#include "pipelines/media/webp_source.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <numeric>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "opencv2/core.hpp"
#include "pipelines/media/image_io.h"
#include "pipelines/media/lost_frames.h"
#include "pipelines/media/rational.h"
#include "pipelines/media/transparency.h"
#include "pipelines/media/webp_animation.h"
#include "third_party/absl/status_macros.h"

namespace pipelines::media {
namespace {

constexpr int kMilliseconds = 1000;  // in a second

int64_t ShownFor(const WebpFrame& frame) {
  constexpr int kUnstated = 100;  // as browsers do
  return frame.milliseconds >= kShortestWebpFrame ? frame.milliseconds
                                                  : kUnstated;
}

// `frames` in so many milliseconds, a second; rounded where it needs more bits.
Rational RateOf(int64_t frames, int64_t milliseconds) {
  int64_t num = frames * kMilliseconds, den = milliseconds;
  const int64_t divisor = std::gcd(num, den);
  num /= divisor;
  den /= divisor;
  while (std::max(num, den) > std::numeric_limits<int>::max()) {
    num = std::max<int64_t>(1, num / 2);
    den = std::max<int64_t>(1, den / 2);
  }
  return {static_cast<int>(num), static_cast<int>(den)};
}

class WebpSource : public FrameSource {
 public:
  // `bytes` are those of `animation`, which has a frame.
  WebpSource(std::shared_ptr<const std::string> bytes, std::string name,
             WebpAnimation animation, const FrameSourceOptions& options)
      : bytes_(std::move(bytes)),
        name_(std::move(name)),
        animation_(std::move(animation)),
        options_(options),
        rgb_(animation_.canvas, CV_8UC3, cv::Scalar::all(255)),
        alpha_(animation_.canvas, CV_8UC1, cv::Scalar::all(0)) {
    cv::Size shown = animation_.canvas;
    if (animation_.orientation >= 5) std::swap(shown.width, shown.height);
    info_.width = shown.width;
    info_.height = shown.height;
    int64_t milliseconds = 0;
    for (const WebpFrame& frame : animation_.frames) {
      milliseconds += ShownFor(frame);
    }
    info_.frame_rate = RateOf(num_frames(), milliseconds);
    info_.time_base = {1, kMilliseconds};
    if (!animation_.end.ok()) return;
    info_.num_frames = num_frames();
    info_.duration = static_cast<double>(milliseconds) / kMilliseconds;
  }

  const VideoInfo& info() const override { return info_; }

  absl::StatusOr<std::optional<VideoFrame>> Next() override {
    RETURN_IF_ERROR(error_);
    while (next_ < num_frames()) {
      const WebpFrame& frame = animation_.frames[static_cast<size_t>(next_++)];
      const int64_t begin = std::exchange(pts_, pts_ + ShownFor(frame));
      const absl::Status drawn = Draw(frame);
      RETURN_IF_ERROR(Allow(drawn));
      if (!drawn.ok()) continue;
      VideoFrame result = Shown();
      result.pts = begin;
      result.duration = pts_ - begin;
      ++num_read_;
      if (frame.is_cleared) Clear(frame.place);
      return result;
    }
    RETURN_IF_ERROR(Allow(animation_.end));
    return std::nullopt;
  }

  absl::StatusOr<int64_t> Count() override {
    RETURN_IF_ERROR(error_);
    next_ = num_frames();
    RETURN_IF_ERROR(Allow(animation_.end));
    return num_frames();
  }

  std::string damage() const override {
    if (first_damage_.empty()) return "";
    const int64_t lost = next_ - num_read_;
    if (lost == 0) return NoLostFrames(first_damage_);
    return absl::StrCat(LostFrames(lost, num_frames()),
                        ", the first damage is ", first_damage_);
  }

 private:
  int64_t num_frames() const {
    return static_cast<int64_t>(animation_.frames.size());
  }

  // OK, with a note for damage(), where damage is allowed; else it sticks.
  absl::Status Allow(const absl::Status& damage) {
    if (damage.ok()) return damage;
    const std::string message(damage.message());
    if (!options_.allow_damaged) {
      return error_ = absl::DataLossError(
                 absl::StrCat(message, " (", num_read_, " frames read)",
                              options_.damage_advice.empty() ? "" : "; ",
                              options_.damage_advice));
    }
    if (first_damage_.empty()) {
      first_damage_ = absl::StrCat("after frame ", num_read_, ": ", message);
    }
    return absl::OkStatus();
  }

  absl::Status Draw(const WebpFrame& frame) {
    const std::string name = absl::StrCat(name_, ", frame ", next_);
    ASSIGN_OR_RETURN(const ImageWithAlpha picture,
                     DecodeImageWithAlpha(StillOf(animation_, frame), name));
    if (picture.rgb.size() != frame.place.size()) {
      return absl::DataLossError(
          absl::StrCat(name, " has another size than the file states"));
    }
    cv::Mat rgb = rgb_(frame.place), alpha = alpha_(frame.place);
    if (frame.blends && !picture.alpha.empty()) {
      DrawOver(picture.rgb, picture.alpha, &rgb, &alpha);
      return absl::OkStatus();
    }
    picture.rgb.copyTo(rgb);
    if (picture.alpha.empty()) {
      alpha = cv::Scalar::all(255);
    } else {
      picture.alpha.copyTo(alpha);
    }
    return absl::OkStatus();
  }

  void Clear(cv::Rect place) {
    rgb_(place) = cv::Scalar::all(255);
    alpha_(place) = cv::Scalar::all(0);
  }

  // The canvas as it is, in memory of its own.
  VideoFrame Shown() const {
    VideoFrame frame;
    frame.rgb = Upright(rgb_, animation_.orientation).clone();
    if (cv::countNonZero(alpha_ != 255) > 0) {
      frame.alpha = Upright(alpha_, animation_.orientation).clone();
    }
    return frame;
  }

  std::shared_ptr<const std::string> bytes_;
  std::string name_;
  WebpAnimation animation_;
  FrameSourceOptions options_;
  VideoInfo info_;
  cv::Mat rgb_;  // the canvas, over white
  cv::Mat alpha_;
  int64_t next_ = 0;      // in `animation_`
  int64_t num_read_ = 0;  // without those that are lost
  int64_t pts_ = 0;       // of the next frame
  absl::Status error_;
  std::string first_damage_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<FrameSource>> OpenWebpSource(
    const MediaInput& input, const FrameSourceOptions& options) {
  std::shared_ptr<const std::string> bytes = input.bytes;
  if (bytes == nullptr) {
    ASSIGN_OR_RETURN(std::string content, ReadImageFile(input.name));
    bytes = std::make_shared<const std::string>(std::move(content));
  }
  ASSIGN_OR_RETURN(WebpAnimation animation,
                   ReadWebpAnimation(*bytes, input.name));
  const cv::Size canvas = animation.canvas;
  if (int64_t{canvas.width} * canvas.height > kMaxVideoPixels) {
    return absl::InvalidArgumentError(absl::StrCat(
        input.name, ": its frames have ", canvas.width, "x", canvas.height,
        " pixels; 1 to ", kMaxVideoPixels, " are accepted"));
  }
  if (animation.frames.empty()) return animation.end;
  return std::make_unique<WebpSource>(std::move(bytes), input.name,
                                      std::move(animation), options);
}

}  // namespace pipelines::media
