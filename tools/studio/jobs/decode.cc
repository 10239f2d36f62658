#include "tools/studio/jobs/decode.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "opencv2/core.hpp"
#include "opencv2/imgproc.hpp"
#include "pipelines/animation/motion_file.h"
#include "pipelines/media/frame_source.h"
#include "pipelines/media/image_io.h"
#include "pipelines/media/transparency.h"
#include "third_party/absl/status_macros.h"

namespace studio {
namespace {

namespace media = pipelines::media;

absl::StatusOr<std::unique_ptr<media::FrameSource>> Open(const Bytes& bytes,
                                                         MediaKind kind) {
  if (bytes->empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(MediaNoun(kind), " is empty (0 bytes)"));
  }
  media::FrameSourceOptions options;
  options.min_stacked_frames = media::kMinFramesOfSourceRow;
  return media::OpenFrameSourceInMemory(bytes, MediaNoun(kind), options);
}

absl::StatusOr<media::VideoFrame> NextFrame(media::FrameSource& source,
                                            MediaKind kind) {
  ASSIGN_OR_RETURN(std::optional<media::VideoFrame> frame, source.Next());
  if (frame) return *std::move(frame);
  return absl::InvalidArgumentError(
      absl::StrCat(MediaNoun(kind), " has no frame that can be read"));
}

// InvalidArgument unless frames of this number are what `kind` says.
absl::Status CheckKind(MediaKind kind, bool is_still, int64_t frames,
                       bool is_image) {
  if (kind == MediaKind::kVideo && is_still) {
    return absl::InvalidArgumentError(
        "the video is one picture; upload a video that moves, or the picture "
        "as a picture (kind=image)");
  }
  if (kind == MediaKind::kImage && !is_image && frames > 1) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the picture is a video of ", frames,
        " frames; upload a still, or the video as a video (kind=video)"));
  }
  return absl::OkStatus();
}

absl::StatusOr<MediaFacts> ProbeFrames(const Bytes& bytes, MediaKind kind) {
  const bool is_image = media::LooksLikeImage(*bytes);
  absl::StatusOr<std::unique_ptr<media::FrameSource>> source =
      Open(bytes, kind);
  if (!source.ok() && kind == MediaKind::kImage && !bytes->empty() &&
      !is_image) {
    // What is wrong with it as a picture, not as a video.
    RETURN_IF_ERROR(media::DecodeImage(*bytes, MediaNoun(kind)).status());
  }
  RETURN_IF_ERROR(source.status());
  ASSIGN_OR_RETURN(const media::VideoFrame first, NextFrame(**source, kind));
  const media::VideoInfo& info = (*source)->info();
  MediaFacts facts;
  facts.kind = kind;
  facts.width = first.rgb.cols;
  facts.height = first.rgb.rows;
  // This fills in a duration that the header does not state.
  ASSIGN_OR_RETURN(facts.frames, (*source)->Count());
  facts.warnings = info.warnings;
  RETURN_IF_ERROR(CheckKind(kind, info.is_still, facts.frames, is_image));
  if (kind == MediaKind::kImage) {
    facts.frames = 1;
    return facts;
  }
  facts.fps = info.frame_rate.value();
  facts.seconds = info.duration.value_or(
      facts.fps > 0 ? static_cast<double>(facts.frames) / facts.fps : 0);
  facts.sound = info.has_audio;
  return facts;
}

absl::StatusOr<pipelines::RecordedMotion> ReadMotion(const Bytes& bytes) {
  return pipelines::ParseMotionFile(*bytes, MediaNoun(MediaKind::kMotion));
}

absl::StatusOr<MediaFacts> ProbeMotion(const Bytes& bytes) {
  ASSIGN_OR_RETURN(const pipelines::RecordedMotion motion, ReadMotion(bytes));
  MediaFacts facts;
  facts.kind = MediaKind::kMotion;
  facts.width = motion.picture_size.width;
  facts.height = motion.picture_size.height;
  facts.frames = motion.num_frames();
  facts.fps = motion.frame_rate.value();
  facts.seconds =
      static_cast<double>(motion.times.back() - motion.times.front() +
                          motion.durations.back()) *
      motion.time_base.value();
  if (motion.detector.empty()) {
    facts.warnings.push_back(
        "The motion file does not say which detector found its keypoints; they "
        "may mean other places to a checkpoint.");
  }
  return facts;
}

// Scaled down to at most `side` on the longer side.
cv::Mat ScaledDown(const cv::Mat& picture, int side) {
  const double scale =
      static_cast<double>(side) / std::max(picture.cols, picture.rows);
  if (scale >= 1) return picture;
  const auto scaled = [&](int length) {
    return std::clamp(static_cast<int>(std::lround(length * scale)), 1, side);
  };
  cv::Mat result;
  cv::resize(picture, result, {scaled(picture.cols), scaled(picture.rows)}, 0,
             0, cv::INTER_AREA);
  return result;
}

absl::Status NoFrame(MediaKind kind, int64_t frame, int64_t frames) {
  return absl::OutOfRangeError(
      absl::StrCat("frame ", frame, " of ", MediaNoun(kind),
                   " is not there; it has the frames 0 to ", frames - 1));
}

absl::StatusOr<cv::Mat> FrameAt(const Bytes& bytes, MediaKind kind,
                                int64_t number) {
  ASSIGN_OR_RETURN(const std::unique_ptr<media::FrameSource> source,
                   Open(bytes, kind));
  int64_t next = 0;
  if (source->info().random_access) {
    RETURN_IF_ERROR(source->Seek(number));
    next = number;
  }
  for (; next <= number; ++next) {
    ASSIGN_OR_RETURN(const std::optional<media::VideoFrame> frame,
                     source->Next());
    if (!frame) return NoFrame(kind, number, next);
    if (next == number) return frame->rgb;
  }
  return NoFrame(kind, number, next);
}

// A colour for keypoint set `set` of `count`, (R, G, B): the hues in turn.
cv::Scalar SetColour(int set, int count) {
  constexpr int kHues = 180;  // OpenCV's unit: 2 degrees
  const cv::Mat hsv(1, 1, CV_8UC3, cv::Scalar(set * kHues / count, 160, 255));
  cv::Mat rgb;
  cv::cvtColor(hsv, rgb, cv::COLOR_HSV2RGB);
  const auto& colour = rgb.at<cv::Vec3b>(0, 0);
  return {static_cast<double>(colour[0]), static_cast<double>(colour[1]),
          static_cast<double>(colour[2])};
}

// The keypoints of a frame on a plain square of `side` pixels.
absl::StatusOr<cv::Mat> DrawMotion(const Bytes& bytes, int64_t frame,
                                   int side) {
  ASSIGN_OR_RETURN(const pipelines::RecordedMotion motion, ReadMotion(bytes));
  if (frame >= motion.num_frames()) {
    return NoFrame(MediaKind::kMotion, frame, motion.num_frames());
  }
  cv::Mat picture(side, side, CV_8UC3, cv::Scalar::all(24));
  const float* keypoint =
      &motion.keypoints[static_cast<size_t>(frame * motion.frame_values())];
  const int radius = std::max(1, side / 80);
  for (int set = 0; set < motion.num_sets; ++set) {
    const cv::Scalar colour = SetColour(set, motion.num_sets);
    for (int i = 0; i < motion.keypoints_per_set; ++i, keypoint += 2) {
      // -1 and 1 are the centres of the first and the last pixel.
      const auto place = [side](float value) {
        return static_cast<int>(std::lround((value + 1) / 2 * (side - 1)));
      };
      cv::circle(picture, {place(keypoint[0]), place(keypoint[1])}, radius,
                 colour, cv::FILLED, cv::LINE_AA);
    }
  }
  return picture;
}

// The picture, or the first frame of a video.
absl::StatusOr<media::VideoFrame> FirstFrame(const Bytes& bytes) {
  ASSIGN_OR_RETURN(const std::unique_ptr<media::FrameSource> source,
                   Open(bytes, MediaKind::kImage));
  return NextFrame(*source, MediaKind::kImage);
}

// Straight R, G, B, A.
cv::Mat ToRgba(const media::VideoFrame& frame) {
  if (!frame.alpha.empty()) return media::WithAlpha(frame.rgb, frame.alpha);
  cv::Mat rgba;
  cv::cvtColor(frame.rgb, rgba, cv::COLOR_RGB2RGBA);
  return rgba;
}

}  // namespace

absl::StatusOr<MediaFacts> ProbeMedia(const Bytes& bytes, MediaKind kind) {
  return kind == MediaKind::kMotion ? ProbeMotion(bytes)
                                    : ProbeFrames(bytes, kind);
}

absl::StatusOr<std::string> MakePreview(const Bytes& bytes, MediaKind kind,
                                        int64_t frame, int side) {
  ASSIGN_OR_RETURN(const cv::Mat picture, kind == MediaKind::kMotion
                                              ? DrawMotion(bytes, frame, side)
                                              : FrameAt(bytes, kind, frame));
  return media::EncodeImage(ScaledDown(picture, side), ".png", "the preview");
}

absl::StatusOr<RgbaImage> DecodePixels(const Bytes& bytes, int side) {
  ASSIGN_OR_RETURN(const media::VideoFrame frame, FirstFrame(bytes));
  // Transparent pixels have a colour each, so scaling mixes no white into them.
  const cv::Mat rgba = ScaledDown(ToRgba(frame), side);
  RgbaImage image;
  image.width = rgba.cols;
  image.height = rgba.rows;
  const cv::Mat whole = rgba.isContinuous() ? rgba : rgba.clone();
  image.pixels.assign(whole.data, whole.data + whole.total() * 4);
  return image;
}

absl::StatusOr<CropSquare> ProposeSquare(const Bytes& bytes,
                                         pipelines::FaceFinder* faces) {
  ASSIGN_OR_RETURN(const media::VideoFrame frame, FirstFrame(bytes));
  std::optional<cv::Rect> face;
  if (faces != nullptr) {
    for (const cv::Rect& found : faces->Find(frame.rgb)) {
      if (!face || found.area() > face->area()) face = found;
    }
  }
  const cv::Rect box = pipelines::CropBox(
      frame.rgb.size(),
      face ? pipelines::CropMode::kFace : pipelines::CropMode::kCentre,
      /*aspect=*/1, face);
  return CropSquare{box.x, box.y, std::min(box.width, box.height),
                    face.has_value()};
}

}  // namespace studio
