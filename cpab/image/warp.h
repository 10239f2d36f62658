// Warps images and label maps, as OpenCV matrices, by a flow.
//
// A pixel of the result looks up where it comes from: result(x) = image(T(x)).
// To carry an image's content along T instead, warp with flow.Inverse().
//
// Coordinates: the centres of the first and last pixel are 0 and 1 along each
// axis (align_corners = true).
#ifndef CPAB_IMAGE_WARP_H_
#define CPAB_IMAGE_WARP_H_

#include "absl/status/statusor.h"
#include "cpab/field/parallel.h"
#include "cpab/flow/flow.h"
#include "opencv2/core/mat.hpp"

namespace cpab {

struct WarpOptions {
  enum class Interpolation {
    kLinear,   // Bilinear, at 1/32 of a pixel (OpenCV's remap).
    kNearest,  // For label maps: no value that was not there before.
  };
  enum class Outside { kZero, kNearestPixel };

  Interpolation interpolation = Interpolation::kLinear;
  // What lies beyond the image's border. Pixels whose T is not a number are
  // beyond its top left.
  Outside outside = Outside::kZero;
};

// `image` has at most 4 channels, of 8 or 16 bits or float; for kNearest also
// int32. The result has its size and type.
//
// Works in bands of rows: besides the result it needs a few hundred KB for each
// thread, whatever the image and the size of theta. InvalidArgument if the
// image is empty, has a side above 32766 or another type.
absl::StatusOr<cv::Mat> Warp(const cv::Mat& image, const Flow& flow,
                             const WarpOptions& options = {},
                             const ParallelFor& parallel_for = Serially);

}  // namespace cpab

#endif  // CPAB_IMAGE_WARP_H_
