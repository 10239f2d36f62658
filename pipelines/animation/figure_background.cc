#include "pipelines/animation/figure_background.h"

#include <optional>
#include <vector>

#include "absl/strings/str_cat.h"
#include "opencv2/imgproc.hpp"
#include "pipelines/base/smooth_step.h"
#include "pipelines/media/colour.h"
#include "pipelines/media/image_io.h"
#include "third_party/absl/status_macros.h"

namespace pipelines {
namespace {

using Kind = BackgroundOptions::Kind;

// Contributions of the background below and above which a pixel is the figure's
// or the background's alone.
constexpr float kFigure = 0.25F;
constexpr float kBackground = 0.75F;

cv::Mat ResizedMap(const cv::Mat& map, cv::Size size) {
  cv::Mat result;
  cv::resize(map, result, size, 0, 0, cv::INTER_LINEAR);
  return result;
}

float Steep(float background) {
  return SmoothStep<float>(kFigure, kBackground, background);
}

}  // namespace

absl::StatusOr<BackgroundOptions> ParseBackground(const std::string& text) {
  BackgroundOptions options;
  if (text.empty()) return options;
  if (text == "still") {
    options.kind = Kind::kStill;
  } else if (text == "driving") {
    options.kind = Kind::kDriving;
  } else if (const std::optional<cv::Vec3b> colour = media::ParseColour(text)) {
    options.kind = Kind::kColour;
    options.colour = cv::Scalar((*colour)[0], (*colour)[1], (*colour)[2]);
  } else if (text[0] == '#') {
    return absl::InvalidArgumentError(
        absl::StrCat("background is '", text,
                     "'; a colour is white, black or #rrggbb, as #00ff00; a "
                     "picture whose name begins so is ./",
                     text));
  } else {
    options.kind = Kind::kPicture;
    options.picture = text;
  }
  return options;
}

absl::StatusOr<cv::Mat> ReadMask(const std::string& path,
                                 const std::string& source, cv::Size size,
                                 const std::function<bool()>& stop) {
  ASSIGN_OR_RETURN(const cv::Mat picture, media::ReadImage(path, stop));
  if (picture.size() != size) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": is of ", picture.cols, "x", picture.rows,
                     " pixels, but ", source, " of ", size.width, "x",
                     size.height, "; a mask has the size of its source"));
  }
  cv::Mat mask;
  cv::cvtColor(picture, mask, cv::COLOR_RGB2GRAY);
  return mask;
}

cv::Mat BackgroundWeight(const FigureMaps& maps, cv::Size size,
                         bool only_visible) {
  cv::Mat figure = ResizedMap(maps.figure, size);
  if (!maps.background.empty()) {
    cv::Mat not_background = ResizedMap(maps.background, size);
    not_background.forEach<float>(
        [](float& value, const int*) { value = 1 - Steep(value); });
    figure = figure.mul(not_background);
  }
  cv::Mat weight = 1 - figure;
  if (!only_visible) return weight;
  // A pixel at the figure's edge is partly its own.
  cv::Mat hidden;
  cv::dilate(maps.source, hidden, cv::Mat());
  return weight.mul(1 - ResizedMap(hidden, size));
}

absl::StatusOr<BackgroundPainter> BackgroundPainter::Create(
    const BackgroundOptions& options, const std::function<bool()>& stop) {
  BackgroundPainter painter(options);
  if (options.kind == Kind::kPicture) {
    ASSIGN_OR_RETURN(painter.picture_, media::ReadImage(options.picture, stop));
  }
  return painter;
}

cv::Mat BackgroundPainter::Paint(const cv::Mat& animated,
                                 const FigureMaps& maps, const cv::Mat& source,
                                 const cv::Mat& driving, cv::Size size) const {
  const cv::Mat front = media::Resized(animated, size);
  cv::Mat behind;
  switch (options_.kind) {
    case Kind::kModel:
      return front;
    case Kind::kStill:
      behind = media::Resized(source, size);
      break;
    case Kind::kDriving:
      behind = media::Resized(driving, size);
      break;
    case Kind::kPicture:
      behind = media::CropAndResize(picture_, size);
      break;
    case Kind::kColour:
      behind = cv::Mat(size, CV_8UC3, options_.colour);
  }
  const cv::Mat weight =
      BackgroundWeight(maps, size, options_.kind == Kind::kStill);
  cv::Mat weights, above, below, result;
  cv::merge(std::vector<cv::Mat>(3, weight), weights);
  front.convertTo(above, CV_32F);
  behind.convertTo(below, CV_32F);
  const cv::Mat blended = above + (below - above).mul(weights);
  blended.convertTo(result, CV_8U);
  return result;
}

}  // namespace pipelines
