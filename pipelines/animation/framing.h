// Which part of a picture the model sees, and putting that part back.
//
// Pictures are CV_8UC3 RGB.
#ifndef PIPELINES_ANIMATION_FRAMING_H_
#define PIPELINES_ANIMATION_FRAMING_H_

#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "opencv2/core.hpp"

namespace pipelines {

enum class CropMode {
  kNone,    // the whole picture, squeezed to the model's aspect
  kCentre,  // the largest centred part with the model's aspect
  kFace,    // about the largest face; the centre where no face is found
};

// "none", "centre" (or "center"), "face". InvalidArgument for anything else.
absl::StatusOr<CropMode> ParseCropMode(const std::string& name);

// Finds faces with OpenCV's frontal cascade. Not for two threads at a time.
class FaceFinder {
 public:
  // NotFound when the cascade's file is missing.
  static absl::StatusOr<std::unique_ptr<FaceFinder>> Load();
  ~FaceFinder();

  // The largest upright face.
  std::optional<cv::Rect> Find(const cv::Mat& rgb);

 private:
  FaceFinder();
  class Impl;
  std::unique_ptr<Impl> impl_;
};

// The part of a picture of `size` that the model is shown: of aspect
// width / height unless `mode` is kNone, and never empty. `face` is needed for
// kFace only.
cv::Rect CropBox(cv::Size size, CropMode mode, double aspect,
                 const std::optional<cv::Rect>& face = std::nullopt);

// Puts an animated crop back into the picture that it was taken from.
class Paster {
 public:
  // `box` inside a picture of `size`. The crop fades in over a twelfth of its
  // side, but not where it reaches the picture's own border.
  Paster(cv::Size size, cv::Rect box);

  // `picture` with `crop`, scaled to the box, in its place.
  cv::Mat Paste(const cv::Mat& picture, const cv::Mat& crop) const;

 private:
  cv::Rect box_;
  cv::Mat weight_;  // of the crop, CV_32FC3 in [0, 1], the size of the box
};

}  // namespace pipelines

#endif  // PIPELINES_ANIMATION_FRAMING_H_
