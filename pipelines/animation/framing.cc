#include "pipelines/animation/framing.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "absl/status/status.h"
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

// By twice their middles.
bool IsLeftOf(const cv::Rect& a, const cv::Rect& b) {
  const auto middle = [](const cv::Rect& r) {
    return std::pair<int, int>(2 * r.x + r.width, 2 * r.y + r.height);
  };
  return middle(a) < middle(b);
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

std::vector<cv::Rect> FaceFinder::Find(const cv::Mat& rgb) {
  const double scale = std::min(
      1.0, static_cast<double>(kMaxSearchSide) / std::max(rgb.cols, rgb.rows));
  constexpr int kLeastFace = 24;
  if (std::min(rgb.cols, rgb.rows) * scale < kLeastFace) return {};
  cv::Mat grey;
  cv::cvtColor(rgb, grey, cv::COLOR_RGB2GRAY);
  if (scale < 1) cv::resize(grey, grey, {}, scale, scale, cv::INTER_AREA);
  cv::equalizeHist(grey, grey);
  const int least = std::max(kLeastFace, std::min(grey.cols, grey.rows) / 10);
  std::vector<cv::Rect> faces;
  if (grey.cols < least || grey.rows < least) return faces;
  impl_->cascade.detectMultiScale(grey, faces, /*scaleFactor=*/1.1,
                                  /*minNeighbors=*/4, 0, {least, least});
  std::stable_sort(faces.begin(), faces.end(), IsLeftOf);
  for (cv::Rect& face : faces) {
    face = cv::Rect(cv::Point(cv::Point2d(face.tl()) / scale),
                    cv::Size(cv::Size2d(face.size()) / scale)) &
           cv::Rect({0, 0}, rgb.size());
  }
  return faces;
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

}  // namespace pipelines
