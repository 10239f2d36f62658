#include "pipelines/animation/panels.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "pipelines/data/image_tensor.h"
#include "pipelines/media/image_io.h"
#include "pipelines/report/numbered_sets.h"
#include "pipelines/report/visualize.h"

namespace pipelines {
namespace {

struct NamedPanel {
  absl::string_view name;
  Panel panel;
};
constexpr NamedPanel kPanels[] = {
    {"source", Panel::kSource}, {"driving", Panel::kDriving},
    {"result", Panel::kResult}, {"keypoints", Panel::kKeypoints},
    {"flow", Panel::kFlow},     {"occlusion", Panel::kOcclusion},
    {"grid", Panel::kGrid},     {"warped", Panel::kWarped},
    {"sets", Panel::kSets},     {"parts", Panel::kSets},  // its former name
};

// Motion of this share of half a side has full colour in every frame, so that
// colours do not flicker.
constexpr double kFullMotion = 0.5;
constexpr int kGridLines = 12;
constexpr int kLongestRow = 4;

// What of `size` a picture fills with its own aspect: all of it where the
// rounding of boxes explains what is beside it, two pixels, or one of the
// picture where that is enlarged.
cv::Size Filled(cv::Size picture, cv::Size size) {
  const double across = static_cast<double>(size.width) / picture.width;
  const double down = static_cast<double>(size.height) / picture.height;
  const double scale = std::min(across, down);
  const cv::Size shown(std::max(1, cvRound(picture.width * scale)),
                       std::max(1, cvRound(picture.height * scale)));
  const cv::Size beside = size - shown;
  return std::max(beside.width, beside.height) <= std::max(2.0, scale) ? size
                                                                       : shown;
}

// `picture` with black beside it.
cv::Mat Centred(const cv::Mat& picture, cv::Size size) {
  if (picture.size() == size) return picture;
  const cv::Size beside = size - picture.size();
  cv::Mat tile(size, CV_8UC3, cv::Scalar::all(0));
  const cv::Point corner(beside.width / 2, beside.height / 2);
  picture.copyTo(tile({corner, picture.size()}));
  return tile;
}

// The whole picture, or its middle where that is all but for rounding.
cv::Mat Within(const cv::Mat& picture, cv::Size size) {
  const cv::Size shown = Filled(picture.size(), size);
  if (shown == size) return media::CropAndResize(picture, size);
  return Centred(media::Resized(picture, shown), size);
}

cv::Mat PaintFlow(const torch::Tensor& source_from_driving, cv::Size size) {
  cv::Mat tile =
      media::Resized(FlowToColor(source_from_driving, kFullMotion), size);
  const int wheel = std::min(size.width, size.height) / 5;
  if (wheel >= 8) FlowWheel(wheel).copyTo(tile({1, 1, wheel, wheel}));
  return tile;
}

}  // namespace

absl::StatusOr<std::vector<Panel>> ParsePanels(const std::string& names) {
  std::vector<Panel> panels;
  for (const absl::string_view name : absl::StrSplit(names, ',')) {
    const auto* const found =
        std::find_if(std::begin(kPanels), std::end(kPanels),
                     [&](const NamedPanel& p) { return p.name == name; });
    if (found == std::end(kPanels)) {
      return absl::InvalidArgumentError(absl::StrCat(
          "panel '", name, "' is unknown; use some of source, driving, ",
          "result, keypoints, flow, occlusion, grid, warped, sets, with "
          "commas between"));
    }
    panels.push_back(found->panel);
  }
  return panels;
}

bool NeedMotion(const std::vector<Panel>& panels) {
  return std::any_of(panels.begin(), panels.end(), [](Panel panel) {
    return panel != Panel::kSource && panel != Panel::kDriving &&
           panel != Panel::kResult;
  });
}

int DefaultColumns(int count) {
  if (count <= kLongestRow) return count;
  return static_cast<int>(std::ceil(std::sqrt(count)));
}

PanelPainter::PanelPainter(std::vector<Panel> panels, cv::Size tile,
                           int columns, int keypoints_per_transform)
    : panels_(std::move(panels)),
      tile_(tile),
      columns_(columns > 0 ? columns
                           : DefaultColumns(static_cast<int>(panels_.size()))),
      keypoints_per_transform_(keypoints_per_transform) {
  columns_ = std::min(columns_, static_cast<int>(panels_.size()));
}

cv::Size PanelPainter::size() const {
  const int rows = (static_cast<int>(panels_.size()) + columns_ - 1) / columns_;
  return {columns_ * tile_.width, rows * tile_.height};
}

cv::Mat PanelPainter::PaintTile(Panel panel, const PanelInput& input) const {
  switch (panel) {
    case Panel::kSource:
      return Within(input.source, tile_);
    case Panel::kDriving:
      return Within(input.driving, tile_);
    case Panel::kResult:
      return media::Resized(input.result, tile_);
    default:
      break;
  }
  const cv::Size size = input.seen.empty() ? tile_ : Filled(input.seen, tile_);
  return Centred(PaintOfModel(panel, input, size), tile_);
}

cv::Mat PanelPainter::PaintOfModel(Panel panel, const PanelInput& input,
                                   cv::Size size) const {
  switch (panel) {
    case Panel::kFlow:
      return PaintFlow(input.source_from_driving, size);
    case Panel::kOcclusion:
      return media::Resized(ColorizeMap(input.occlusion[0]), size);
    case Panel::kWarped:
      return media::Resized(data::TensorToImage(input.warped), size);
    case Panel::kSets:
      return DrawNumberedParts(
          input.contributions,
          static_cast<int>(input.keypoints.size(0)) / keypoints_per_transform_,
          size);
    default:
      break;
  }
  // Overlays belong to what the model made, whatever surrounds it.
  cv::Mat tile = media::Resized(input.animated, size);
  if (panel == Panel::kKeypoints) {
    DrawKeypoints(input.keypoints, keypoints_per_transform_, tile);
  } else {
    DrawDeformedGrid(input.source_from_driving, kGridLines, tile);
  }
  return tile;
}

cv::Mat PanelPainter::Paint(const PanelInput& input) const {
  if (panels_.size() == 1) return PaintTile(panels_[0], input);
  cv::Mat picture(size(), CV_8UC3, cv::Scalar::all(0));
  for (size_t i = 0; i < panels_.size(); ++i) {
    const int x = static_cast<int>(i) % columns_ * tile_.width;
    const int y = static_cast<int>(i) / columns_ * tile_.height;
    PaintTile(panels_[i], input).copyTo(picture({{x, y}, tile_}));
  }
  return picture;
}

}  // namespace pipelines
