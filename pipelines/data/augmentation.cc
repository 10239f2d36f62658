#include "pipelines/data/augmentation.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "opencv2/imgproc.hpp"

namespace pipelines::data {
namespace {

// Weights of R, G, B in the brightness of a colour (BT.601).
constexpr double kLuma[] = {0.299, 0.587, 0.114};

// An affine map of colours, [R; G; B; 1] -> [R; G; B; 1]. All jitters are such
// maps, so one pass over the pixels applies their product.
using ColourMap = cv::Matx44d;

ColourMap Brightness(double factor) {
  return ColourMap::diag(cv::Vec4d(factor, factor, factor, 1));
}

// Away from (factor > 1) or towards `middle`, the mean brightness of the pair:
// one value for both frames, so that equal colours stay equal.
ColourMap Contrast(double factor, double middle) {
  ColourMap map = Brightness(factor);
  for (int i = 0; i < 3; ++i) map(i, 3) = (1 - factor) * middle;
  return map;
}

ColourMap Saturation(double factor) {
  ColourMap map = Brightness(factor);
  for (int i = 0; i < 3; ++i) {
    for (int j = 0; j < 3; ++j) map(i, j) += (1 - factor) * kLuma[j];
  }
  return map;
}

// Turns the colour plane (U, V) of YUV, as the hue control of a television did;
// brightness stays, and the map is linear where the turn of HSV is not.
ColourMap Hue(double turns) {
  const double c = std::cos(2 * CV_PI * turns), s = std::sin(2 * CV_PI * turns);
  const double r = kLuma[0], g = kLuma[1], b = kLuma[2];
  const double u = 0.492, v = 0.877;        // weights of B - Y and R - Y
  const ColourMap yuv_from_rgb(r, g, b, 0,  //
                               -u * r, -u * g, u * (1 - b), 0,  //
                               v * (1 - r), -v * g, -v * b, 0,  //
                               0, 0, 0, 1);
  const ColourMap turn(1, 0, 0, 0,   //
                       0, c, s, 0,   //
                       0, -s, c, 0,  //
                       0, 0, 0, 1);
  return yuv_from_rgb.inv() * turn * yuv_from_rgb;
}

double MeanBrightness(const FramePair& pair) {
  const cv::Scalar sum = cv::mean(pair.source) + cv::mean(pair.driving);
  return (sum[0] * kLuma[0] + sum[1] * kLuma[1] + sum[2] * kLuma[2]) / 2;
}

cv::Mat Recolour(const cv::Mat& rgb, const ColourMap& map) {
  cv::Mat result;
  cv::transform(rgb, result, cv::Mat(map).rowRange(0, 3));
  return result;
}

cv::Mat Mirror(const cv::Mat& rgb) {
  cv::Mat result;
  cv::flip(rgb, result, 1);
  return result;
}

// The part of `rgb`, enlarged by `zoom`, at the place (x, y) in [0, 1]^2 of
// those that are left free.
cv::Mat ZoomTo(const cv::Mat& rgb, double zoom, double x, double y) {
  const double free_x = rgb.cols * (1 - 1 / zoom);
  const double free_y = rgb.rows * (1 - 1 / zoom);
  // Pixel centres: out (u, v) looks up in (u + 0.5) / zoom + free * x - 0.5.
  const cv::Matx23d in_from_out(1 / zoom, 0, 0.5 / zoom - 0.5 + free_x * x,  //
                                0, 1 / zoom, 0.5 / zoom - 0.5 + free_y * y);
  cv::Mat result;
  cv::warpAffine(rgb, result, in_from_out, rgb.size(),
                 cv::INTER_CUBIC | cv::WARP_INVERSE_MAP, cv::BORDER_REPLICATE);
  return result;
}

template <typename Change>
void ApplyToBoth(FramePair& pair, const Change& change) {
  pair.source = change(pair.source);
  pair.driving = change(pair.driving);
}

double Factor(double range, double unit) {
  const double low = std::max(0.0, 1 - range);
  return low + (1 + range - low) * unit;
}

}  // namespace

absl::Status Validate(const AugmentationOptions& options) {
  const struct {
    const char* name;
    double value, max;
  } fields[] = {{"brightness", options.brightness, 10},
                {"contrast", options.contrast, 10},
                {"saturation", options.saturation, 10},
                {"hue", options.hue, 0.5},
                {"max_zoom", options.max_zoom, 1}};
  for (const auto& field : fields) {
    if (field.value >= 0 && field.value <= field.max) continue;
    return absl::InvalidArgumentError(absl::StrCat("augmentation.", field.name,
                                                   " is ", field.value,
                                                   "; use 0 to ", field.max));
  }
  return absl::OkStatus();
}

FramePair Augment(const FramePair& pair, const AugmentationOptions& options,
                  Random& random) {
  // All draws come first, whatever is switched on.
  const bool flip = random.Below(2) == 1;
  const bool swap = random.Below(2) == 1;
  const double brightness = random.Uniform(), contrast = random.Uniform();
  const double saturation = random.Uniform(), hue = random.Uniform(-1, 1);
  const double zoom = random.Uniform();
  const double x = random.Uniform(), y = random.Uniform();

  FramePair result = pair;
  if (options.time_flip && swap) std::swap(result.source, result.driving);
  if (options.horizontal_flip && flip) ApplyToBoth(result, Mirror);
  if (options.max_zoom > 0) {
    ApplyToBoth(result, [&](const cv::Mat& rgb) {
      return ZoomTo(rgb, 1 + options.max_zoom * zoom, x, y);
    });
  }
  const double brighter = Factor(options.brightness, brightness);
  const ColourMap map = Hue(options.hue * hue) *
                        Saturation(Factor(options.saturation, saturation)) *
                        Contrast(Factor(options.contrast, contrast),
                                 brighter * MeanBrightness(result)) *
                        Brightness(brighter);
  if (options.hue > 0 || options.saturation > 0 || options.contrast > 0 ||
      options.brightness > 0) {
    ApplyToBoth(result, [&](const cv::Mat& rgb) { return Recolour(rgb, map); });
  }
  return result;
}

}  // namespace pipelines::data
