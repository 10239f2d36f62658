// Which part of a picture the model sees. crop_blend.h puts it back.
//
// Pictures are CV_8UC3 RGB.
#ifndef PIPELINES_ANIMATION_FRAMING_H_
#define PIPELINES_ANIMATION_FRAMING_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "opencv2/core.hpp"

namespace pipelines {

enum class CropMode {
  kNone,    // the whole picture, squeezed to the model's aspect
  kCentre,  // the largest centred part with the model's aspect
  kFace,    // about a face; the centre where no face is found
};

// "none", "centre" (or "center"), "face". InvalidArgument for anything else.
absl::StatusOr<CropMode> ParseCropMode(const std::string& name);

// Finds faces with OpenCV's frontal cascade. Not for two threads at a time.
class FaceFinder {
 public:
  // NotFound when the cascade's file is missing.
  static absl::StatusOr<std::unique_ptr<FaceFinder>> Load();
  ~FaceFinder();

  // The upright faces, from left to right by their middles; of those one above
  // the other, the upper first.
  std::vector<cv::Rect> Find(const cv::Mat& rgb);

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

}  // namespace pipelines

#endif  // PIPELINES_ANIMATION_FRAMING_H_
