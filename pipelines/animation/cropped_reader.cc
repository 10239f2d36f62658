#include "pipelines/animation/cropped_reader.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "pipelines/base/work_hooks.h"
#include "pipelines/media/image_io.h"
#include "third_party/absl/status_macros.h"

namespace pipelines {

absl::StatusOr<std::unique_ptr<CroppedReader>> CroppedReader::Open(
    const std::string& path, const CroppedReaderOptions& options) {
  std::unique_ptr<CroppedReader> reader(new CroppedReader(path, options));
  ASSIGN_OR_RETURN(reader->source_,
                   media::OpenFrameSource(path, options.input));
  return reader;
}

std::optional<int64_t> CroppedReader::num_frames() const {
  if (options_.max_frames == 0) return info().num_frames;
  return std::min(options_.max_frames,
                  info().num_frames.value_or(options_.max_frames));
}

// None where the largest is meant and there is none.
absl::StatusOr<std::vector<cv::Rect>> CroppedReader::ChosenOf(
    const std::vector<cv::Rect>& faces) {
  if (faces.empty() && options_.face.by == FaceChoice::By::kLargest) {
    warning_ = absl::StrCat(
        path_, ": no face was found in frame ", options_.first_frame,
        "; the centre is taken. Begin with a frame that shows one, or state "
        "the part of a source as --crop x,y,width,height");
    return faces;
  }
  absl::StatusOr<std::vector<cv::Rect>> chosen =
      ChooseFaces(options_.face, faces);
  if (chosen.ok()) return chosen;
  return absl::Status(chosen.status().code(),
                      absl::StrCat(path_, ": ", chosen.status().message()));
}

// The part that the options state.
absl::Status CroppedReader::ChooseBox(cv::Size size) {
  const cv::Rect& box = *options_.box;
  const cv::Rect whole({0, 0}, size);
  // Sums of numbers that anyone may state.
  const bool is_within = box.x >= 0 && box.y >= 0 && box.width > 0 &&
                         box.height > 0 && box.width <= whole.width - box.x &&
                         box.height <= whole.height - box.y;
  if (!is_within) {
    return absl::InvalidArgumentError(absl::StrCat(
        path_, ": the crop from (", box.x, ", ", box.y, ") of ", box.width, "x",
        box.height, " pixels is not within the picture of ", size.width, "x",
        size.height));
  }
  const double aspect = static_cast<double>(options_.frame_size.width) /
                        options_.frame_size.height;
  const cv::Rect part =
      CropBox(box.size(), CropMode::kCentre, aspect) + box.tl();
  parts_ = {
      BlendedCrop{part, (cv::Point2d(part.tl()) + cv::Point2d(part.br())) / 2}};
  return absl::OkStatus();
}

absl::Status CroppedReader::ChooseParts(const cv::Mat& first) {
  if (options_.box) return ChooseBox(first.size());
  const auto part_of = [&](const std::optional<cv::Rect>& face) {
    const double aspect = static_cast<double>(options_.frame_size.width) /
                          options_.frame_size.height;
    const cv::Rect box = CropBox(first.size(), options_.crop, aspect, face);
    const cv::Rect& middle = face ? *face : box;
    return BlendedCrop{
        box, (cv::Point2d(middle.tl()) + cv::Point2d(middle.br())) / 2};
  };
  if (options_.crop != CropMode::kFace) {
    parts_ = {part_of({})};
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(const std::unique_ptr<FaceFinder> finder,
                   FaceFinder::Load());
  const std::vector<cv::Rect> faces = finder->Find(first);
  ASSIGN_OR_RETURN(const std::vector<cv::Rect> chosen, ChosenOf(faces));
  for (const cv::Rect& face : chosen) parts_.push_back(part_of(face));
  if (chosen.empty()) parts_ = {part_of({})};
  if (options_.face.by != FaceChoice::By::kNumbers) return absl::OkStatus();
  for (const cv::Rect& face : faces) {
    if (std::find(chosen.begin(), chosen.end(), face) == chosen.end()) {
      other_parts_.push_back(part_of(face));
    }
  }
  return absl::OkStatus();
}

cv::Mat CroppedReader::Crop(const cv::Mat& picture, size_t i) const {
  return media::Resized(picture(parts_[i].box), options_.frame_size);
}

absl::StatusOr<std::optional<CroppedFrame>> CroppedReader::Next() {
  // Of a camera, whoever animates drops frames, and counts what is left.
  if (options_.max_frames > 0 && !info().is_live &&
      num_read_ == options_.max_frames) {
    return std::nullopt;
  }
  std::optional<media::VideoFrame> frame;
  do {
    if (options_.input.stop && options_.input.stop()) {
      if (info().is_live) return std::nullopt;
      return StoppedError();
    }
    ASSIGN_OR_RETURN(frame, source_->Next());
    if (!frame) return std::nullopt;
  } while (num_read_++ < options_.first_frame);
  if (parts_.empty()) {
    RETURN_IF_ERROR(ChooseParts(frame->rgb));
    // A camera's clock began long before the video.
    if (info().is_live) first_pts_ = frame->pts;
  }
  const int64_t pts = frame->pts - first_pts_;
  return CroppedFrame{frame->rgb,
                      Crop(frame->rgb, 0),
                      static_cast<double>(pts) * info().time_base.value(),
                      pts,
                      frame->duration,
                      frame->alpha};
}

}  // namespace pipelines
