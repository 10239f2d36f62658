#include "pipelines/animation/video_source.h"

#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "networks/sampling.h"
#include "opencv2/imgproc.hpp"
#include "pipelines/animation/framing.h"
#include "pipelines/animation/source_figure.h"
#include "pipelines/base/work_hooks.h"
#include "third_party/absl/status_macros.h"

namespace pipelines {
namespace {

using Kind = BackgroundOptions::Kind;

absl::Status CheckOptions(const VideoSourceOptions& options) {
  const BackgroundOptions& background = options.background;
  const auto bad = [](const char* message) {
    return absl::InvalidArgumentError(message);
  };
  if (!(options.blend.fade >= 0 && options.blend.fade <= kLargestFade)) {
    return absl::InvalidArgumentError(
        absl::StrCat("the fade is ", options.blend.fade, "; use 0 to ",
                     kLargestFade, " of the crop's side"));
  }
  if (options.with_alpha && background.needs_figure()) {
    return bad(
        "alpha cannot be kept before a background, which is opaque; leave one "
        "of the two out");
  }
  if (!background.mask.empty() && !background.needs_figure()) {
    return bad(
        "a mask has no effect without a background; name a background, or "
        "leave out the mask");
  }
  if (!background.mask.empty() && options.is_video) {
    return bad(
        "a mask is of one source picture, not of all frames of a video; leave "
        "it out, or take one frame of the video");
  }
  if (options.paste_back && background.needs_figure() &&
      background.kind != Kind::kStill) {
    return bad(
        "what is pasted back into the source stands before the source's "
        "background; use the background still, or do not paste back");
  }
  return absl::OkStatus();
}

// [h, w] -> CV_32FC1 with memory of its own.
cv::Mat ToMap(const torch::Tensor& map) {
  const torch::Tensor values =
      map.to(torch::kCPU, torch::kFloat32).contiguous();
  return cv::Mat(static_cast<int>(values.size(0)),
                 static_cast<int>(values.size(1)), CV_32FC1, values.data_ptr())
      .clone();
}

// CV_32FC1 -> [1, 1, H, W] with memory of its own.
torch::Tensor FromMap(const cv::Mat& map) {
  return torch::from_blob(map.data, {1, 1, map.rows, map.cols}, torch::kFloat32)
      .clone();
}

// `alpha`, which is empty where all is opaque.
cv::Mat WholeAlpha(const cv::Mat& alpha, cv::Size size) {
  return alpha.empty() ? cv::Mat(size, CV_8UC1, cv::Scalar::all(255)) : alpha;
}

}  // namespace

absl::StatusOr<std::unique_ptr<VideoSource>> VideoSource::Open(
    const std::string& path, Animator& animator,
    const VideoSourceOptions& options) {
  RETURN_IF_ERROR(CheckOptions(options));
  ASSIGN_OR_RETURN(
      BackgroundPainter painter,
      BackgroundPainter::Create(options.background, options.reader.input.stop));
  std::unique_ptr<VideoSource> source(
      new VideoSource(animator, options, std::move(painter)));
  RETURN_IF_ERROR(source->ReadFirst(path));
  RETURN_IF_ERROR(source->ReadMasks(path));
  source->Prepare(source->first_);
  return source;
}

absl::Status VideoSource::ReadFirst(const std::string& path) {
  CroppedReaderOptions options = options_.reader;
  options.first_frame = options_.frame;
  ASSIGN_OR_RETURN(reader_, CroppedReader::Open(path, options));
  ASSIGN_OR_RETURN(std::optional<CroppedFrame> frame, reader_->Next());
  if (!frame) {
    // A camera that is stopped merely ends.
    if (options.input.stop && options.input.stop()) return StoppedError();
    return absl::InvalidArgumentError(absl::StrCat(
        path, ": has no frame ", options_.frame, " to animate; it has ",
        reader_->num_read(), ", numbered from 0"));
  }
  first_ = *std::move(frame);
  shares_.resize(num_parts());
  if (!options_.paste_back) return absl::OkStatus();
  blend_.emplace(first_.picture.size(), reader_->parts(), options_.blend,
                 reader_->other_parts());
  if (options_.blend.fade == 0) return absl::OkStatus();
  for (size_t i = 0; i < num_parts(); ++i) {
    shares_[i] = FromMap(blend_->MotionShare(i, animator_.frame_size()));
  }
  return absl::OkStatus();
}

absl::Status VideoSource::ReadMasks(const std::string& path) {
  if (options_.background.mask.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(const cv::Mat mask,
                   ReadMask(options_.background.mask, path,
                            first_.picture.size(), options_.reader.input.stop));
  SetFigures(mask);
  return absl::OkStatus();
}

// mask: CV_8UC1, of the whole picture.
void VideoSource::SetFigures(const cv::Mat& mask) {
  figures_.clear();
  for (size_t i = 0; i < num_parts(); ++i) {
    cv::Mat part;
    reader_->Crop(mask, i).convertTo(part, CV_32FC1, 1.0 / 255);
    figures_.push_back(part);
  }
}

void VideoSource::FindFigures(const CroppedFrame& frame) {
  const BackgroundOptions& background = options_.background;
  if (!background.needs_figure() || !background.mask.empty()) return;
  if (!first_.alpha.empty()) {
    SetFigures(WholeAlpha(frame.alpha, frame.picture.size()));
    return;
  }
  figures_.clear();
  for (size_t i = 0; i < num_parts(); ++i) {
    const cv::Mat at_rest =
        ToMap(animator_.BackgroundAtRest(prepared_[i].over_white));
    const cv::Mat figure =
        FigureOfSource(frame.picture(reader_->parts()[i].box), at_rest);
    figures_.emplace_back();
    cv::resize(figure, figures_.back(), animator_.frame_size(), 0, 0,
               cv::INTER_AREA);
  }
}

std::vector<std::string> VideoSource::warnings() const {
  std::vector<std::string> warnings = reader_->info().warnings;
  if (!reader_->warning().empty()) warnings.push_back(reader_->warning());
  return warnings;
}

cv::Size VideoSource::natural_size() const {
  if (options_.paste_back) return first_.picture.size();
  const cv::Size frame = animator_.frame_size();
  if (options_.reader.crop != CropMode::kNone) {
    return {frame.width * static_cast<int>(num_parts()), frame.height};
  }
  // What was squeezed to be animated is stretched again.
  const cv::Size box = reader_->box().size();
  const double scale = std::max(static_cast<double>(frame.width) / box.width,
                                static_cast<double>(frame.height) / box.height);
  return {std::max(1, static_cast<int>(std::lround(box.width * scale))),
          std::max(1, static_cast<int>(std::lround(box.height * scale)))};
}

void VideoSource::Prepare(const CroppedFrame& frame) {
  prepared_.clear();
  const cv::Mat alpha =
      has_alpha() ? WholeAlpha(frame.alpha, frame.picture.size()) : cv::Mat();
  for (size_t i = 0; i < num_parts(); ++i) {
    prepared_.push_back(animator_.PrepareTransparentSource(
        i == 0 ? frame.crop : reader_->Crop(frame.picture, i),
        has_alpha() ? reader_->Crop(alpha, i) : cv::Mat()));
  }
  FindFigures(frame);
}

std::vector<AnimatedFrames> VideoSource::MoveTo(const torch::Tensor& followed) {
  std::vector<AnimatedFrames> moved;
  for (size_t i = 0; i < num_parts(); ++i) {
    moved.push_back(animator_.MoveTo(prepared_[i], followed, shares_[i]));
  }
  return moved;
}

FigureMaps VideoSource::FigureOf(const FrameMotion& motion, size_t part,
                                 int64_t n) const {
  FigureMaps maps;
  if (!options_.background.needs_figure()) return maps;
  // What comes from beyond the picture's border is what is at the border.
  const torch::Tensor field =
      motion.source_from_driving.slice(0, n, n + 1).clamp(-1, 1);
  maps.figure = ToMap(
      networks::Warp(FromMap(figures_[part]).to(field.device()), field)[0][0]);
  maps.source = figures_[part];
  if (options_.background.mask.empty() && first_.alpha.empty()) {
    maps.background = ToMap(motion.contributions[n][0]);
  }
  return maps;
}

std::vector<MovedPart> VideoSource::PartsOf(
    const std::vector<AnimatedFrames>& moved, int64_t n) const {
  std::vector<MovedPart> parts;
  for (size_t i = 0; i < moved.size(); ++i) {
    const auto frame = static_cast<size_t>(n);
    parts.push_back({moved[i].pictures[frame],
                     has_alpha() ? moved[i].alphas[frame] : cv::Mat(),
                     FigureOf(moved[i].motion, i, n)});
  }
  return parts;
}

cv::Mat VideoSource::Join(const CroppedFrame& source,
                          const std::vector<MovedPart>& parts,
                          const cv::Mat& driving, cv::Size size) const {
  std::vector<cv::Mat> pictures;
  for (size_t i = 0; i < parts.size(); ++i) {
    const cv::Rect& box = reader_->parts()[i].box;
    pictures.push_back(parts[i].picture);
    if (!options_.background.needs_figure()) continue;
    const cv::Size part_size =
        blend_
            ? box.size()
            : cv::Size(std::max(1, size.width / static_cast<int>(num_parts())),
                       size.height);
    pictures.back() = painter_.Paint(parts[i].picture, parts[i].figure,
                                     source.picture(box), driving, part_size);
  }
  if (blend_) return blend_->Paste(source.picture, pictures);
  if (pictures.size() == 1) return pictures[0];
  cv::Mat row;
  cv::hconcat(pictures, row);
  return row;
}

// As a grey picture, so that it is scaled and blended as its colours are.
cv::Mat VideoSource::JoinAlpha(const CroppedFrame& source,
                               const std::vector<MovedPart>& parts) const {
  const auto grey = [](const cv::Mat& alpha) {
    cv::Mat picture;
    cv::merge(std::vector<cv::Mat>{alpha, alpha, alpha}, picture);
    return picture;
  };
  std::vector<MovedPart> greys;
  for (const MovedPart& part : parts) {
    greys.push_back({grey(part.alpha), {}, {}});
  }
  CroppedFrame of_alpha;
  of_alpha.picture = grey(WholeAlpha(source.alpha, source.picture.size()));
  cv::Mat alpha;
  cv::extractChannel(Join(of_alpha, greys, {}, {}), alpha, 0);
  return alpha;
}

}  // namespace pipelines
