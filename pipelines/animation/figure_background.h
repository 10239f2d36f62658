// What is shown behind the figure instead of what the model makes of the
// source's background. Free of LibTorch.
//
// Where the figure is, a mask of the source's figure says, warped as the source
// is. It is the user's, or the alpha of a source that can be seen through, or
// it is found (source_figure.h). What is found is coarse; then each frame's
// dense motion has a say, too: its contribution map of the background
// candidate, which no keypoint moves, is near 1 beside the figure.
#ifndef PIPELINES_ANIMATION_FIGURE_BACKGROUND_H_
#define PIPELINES_ANIMATION_FIGURE_BACKGROUND_H_

#include <functional>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "opencv2/core.hpp"

namespace pipelines {

struct BackgroundOptions {
  enum class Kind {
    kModel,    // as the model makes it
    kStill,    // the source's pixels wherever they show behind the figure
    kDriving,  // the driving frame, with whoever is in it
    kPicture,
    kColour,
  };
  Kind kind = Kind::kModel;
  std::string picture;  // its path
  cv::Scalar colour;    // RGB, 0 to 255
  // A picture of the source's size, white where the figure is and black
  // elsewhere; empty: the source's alpha, or it is found.
  std::string mask;

  bool needs_figure() const { return kind != Kind::kModel; }
};

// "" (the model's), "still", "driving", a colour of media/colour.h, or else the
// path of a picture. InvalidArgument for what begins with # and is no colour.
absl::StatusOr<BackgroundOptions> ParseBackground(const std::string& text);

// The mask at `path` for a source picture of `size`: CV_8UC1. `stop` and the
// errors are those of media::ReadImage; InvalidArgument for a mask of another
// size, with both.
absl::StatusOr<cv::Mat> ReadMask(const std::string& path,
                                 const std::string& source, cv::Size size,
                                 const std::function<bool()>& stop = {});

// Where the figure is in a frame and in its source, each CV_32FC1 in [0, 1] and
// of any size.
struct FigureMaps {
  cv::Mat figure;  // the mask of the source's figure, warped
  cv::Mat source;  // the mask itself
  // The contribution map of the background candidate; empty where the mask
  // alone says what the figure is.
  cv::Mat background;
};

// How much of a pixel of size `size` is background, CV_32FC1: 1 - figure, and 1
// where the contribution map says so, whose slope is made steep about a half,
// so that nothing of the old background shines through. `only_visible`: 0 where
// the source does not show its background, because the figure is there.
cv::Mat BackgroundWeight(const FigureMaps& maps, cv::Size size,
                         bool only_visible);

// Puts frames before a background.
class BackgroundPainter {
 public:
  // Reads the picture, if there is one, as media::ReadImage.
  static absl::StatusOr<BackgroundPainter> Create(
      const BackgroundOptions& options, const std::function<bool()>& stop = {});

  // `animated` before the background, at `size`. Pictures are CV_8UC3 RGB of
  // any size: a picture fills the frame and is cropped where its aspect is
  // another; `source` and `driving` are what the model saw of them.
  cv::Mat Paint(const cv::Mat& animated, const FigureMaps& maps,
                const cv::Mat& source, const cv::Mat& driving,
                cv::Size size) const;

 private:
  explicit BackgroundPainter(BackgroundOptions options)
      : options_(std::move(options)) {}

  BackgroundOptions options_;
  cv::Mat picture_;
};

}  // namespace pipelines

#endif  // PIPELINES_ANIMATION_FIGURE_BACKGROUND_H_
