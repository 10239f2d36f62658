#include "pipelines/animation/framing.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "opencv2/imgproc.hpp"
#include "opencv2/objdetect.hpp"
#include "pipelines/base/runfile.h"

namespace pipelines {
namespace {

constexpr char kCascade[] =
    "external/system_opencv_data/haarcascade_frontalface_alt2.xml";

// The detector's boxes reach from the brows to the chin. A portrait crop, as
// the field's face data sets have them, is about twice as high, and its middle
// a little above the box's for the hair.
constexpr double kCropOverFace = 2.0;
constexpr double kRise = 0.06;  // of the face's height

// Faces are looked for in pictures of at most this many pixels a side.
constexpr int kMaxSearchSide = 640;

constexpr int kFeatherShare = 12;

// The largest box of `aspect` about `centre`, at most `height` high, that fits;
// the centre gives way at the picture's border.
cv::Rect FitBox(cv::Size size, cv::Point2d centre, double height,
                double aspect) {
  height = std::min({height, static_cast<double>(size.height),
                     static_cast<double>(size.width) / aspect});
  cv::Rect box;
  box.width =
      std::clamp(static_cast<int>(std::lround(height * aspect)), 1, size.width);
  box.height =
      std::clamp(static_cast<int>(std::lround(height)), 1, size.height);
  const auto place = [](double middle, int length, int limit) {
    return std::clamp(static_cast<int>(std::lround(middle - length / 2.0)), 0,
                      limit - length);
  };
  box.x = place(centre.x, box.width, size.width);
  box.y = place(centre.y, box.height, size.height);
  return box;
}

}  // namespace

absl::StatusOr<CropMode> ParseCropMode(const std::string& name) {
  if (name == "none") return CropMode::kNone;
  if (name == "centre" || name == "center") return CropMode::kCentre;
  if (name == "face") return CropMode::kFace;
  return absl::InvalidArgumentError(
      absl::StrCat("crop is '", name, "'; use none, centre or face"));
}

class FaceFinder::Impl {
 public:
  cv::CascadeClassifier cascade;
};

FaceFinder::FaceFinder() : impl_(std::make_unique<Impl>()) {}
FaceFinder::~FaceFinder() = default;

absl::StatusOr<std::unique_ptr<FaceFinder>> FaceFinder::Load() {
  std::unique_ptr<FaceFinder> finder(new FaceFinder());
  const std::string path = RunfilePath(kCascade);
  if (!finder->impl_->cascade.load(path)) {
    return absl::NotFoundError(
        absl::StrCat(path, ": cannot read OpenCV's face detector"));
  }
  return finder;
}

std::optional<cv::Rect> FaceFinder::Find(const cv::Mat& rgb) {
  const double scale = std::min(
      1.0, static_cast<double>(kMaxSearchSide) / std::max(rgb.cols, rgb.rows));
  cv::Mat grey;
  cv::cvtColor(rgb, grey, cv::COLOR_RGB2GRAY);
  if (scale < 1) cv::resize(grey, grey, {}, scale, scale, cv::INTER_AREA);
  cv::equalizeHist(grey, grey);
  const int least = std::max(24, std::min(grey.cols, grey.rows) / 10);
  if (grey.cols < least || grey.rows < least) return std::nullopt;
  std::vector<cv::Rect> faces;
  impl_->cascade.detectMultiScale(grey, faces, /*scaleFactor=*/1.1,
                                  /*minNeighbors=*/4, 0, {least, least});
  const auto largest = std::max_element(
      faces.begin(), faces.end(),
      [](const cv::Rect& a, const cv::Rect& b) { return a.area() < b.area(); });
  if (largest == faces.end()) return std::nullopt;
  return cv::Rect(cv::Point(cv::Point2d(largest->tl()) / scale),
                  cv::Size(cv::Size2d(largest->size()) / scale)) &
         cv::Rect({0, 0}, rgb.size());
}

cv::Rect CropBox(cv::Size size, CropMode mode, double aspect,
                 const std::optional<cv::Rect>& face) {
  if (mode == CropMode::kNone) return {{0, 0}, size};
  const cv::Point2d middle(size.width / 2.0, size.height / 2.0);
  if (mode == CropMode::kCentre || !face) {
    return FitBox(size, middle, size.height, aspect);
  }
  const cv::Point2d centre(face->x + face->width / 2.0,
                           face->y + (0.5 - kRise) * face->height);
  return FitBox(size, centre, kCropOverFace * face->height, aspect);
}

Paster::Paster(cv::Size size, cv::Rect box) : box_(box) {
  const int feather =
      std::max(1, std::min(box.width, box.height) / kFeatherShare);
  // Distance, in pixels, from the outside of the box, along one axis.
  const auto ramp = [feather](int at, int length, bool fade_in, bool fade_out) {
    int distance = feather;
    if (fade_in) distance = std::min(distance, at + 1);
    if (fade_out) distance = std::min(distance, length - at);
    return static_cast<float>(distance) / static_cast<float>(feather + 1);
  };
  const float full =
      static_cast<float>(feather) / static_cast<float>(feather + 1);
  weight_.create(box.size(), CV_32FC3);
  for (int y = 0; y < box.height; ++y) {
    const float down =
        ramp(y, box.height, box.y > 0, box.br().y < size.height) / full;
    for (int x = 0; x < box.width; ++x) {
      const float across =
          ramp(x, box.width, box.x > 0, box.br().x < size.width) / full;
      weight_.at<cv::Vec3f>(y, x) = cv::Vec3f::all(down * across);
    }
  }
}

cv::Mat Paster::Paste(const cv::Mat& picture, const cv::Mat& crop) const {
  cv::Mat result = picture.clone(), sized, above, below;
  cv::resize(crop, sized, box_.size(), 0, 0,
             crop.cols > box_.width ? cv::INTER_AREA : cv::INTER_CUBIC);
  sized.convertTo(above, CV_32F);
  result(box_).convertTo(below, CV_32F);
  const cv::Mat blended = below + (above - below).mul(weight_);
  blended.convertTo(result(box_), CV_8U);
  return result;
}

}  // namespace pipelines
