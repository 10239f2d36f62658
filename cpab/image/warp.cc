#include "cpab/image/warp.h"

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "opencv2/imgproc.hpp"

namespace cpab {
namespace {

// Rows of a band: a 4000 pixel wide one has coordinates of 500 KB, which a
// processor's second-level cache holds.
constexpr int kBandRows = 16;

absl::Status Validate(const cv::Mat& image, const WarpOptions& options) {
  if (image.empty()) return absl::InvalidArgumentError("the image is empty");
  if (image.dims != 2 || std::max(image.rows, image.cols) >= 32767) {
    return absl::InvalidArgumentError(
        absl::StrCat("the image is ", image.cols, "x", image.rows,
                     "; use two dimensions of at most 32766 pixels"));
  }
  const int depth = image.depth();
  const bool nearest =
      options.interpolation == WarpOptions::Interpolation::kNearest;
  if (image.channels() > 4 ||
      !(depth == CV_8U || depth == CV_16U || depth == CV_32F ||
        (nearest && depth == CV_32S))) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the image has ", image.channels(), " channels of OpenCV depth ", depth,
        "; use up to 4 of 8 or 16 bits or float, int32 with kNearest"));
  }
  return absl::OkStatus();
}

// 1 / (size - 1), or 0 where there is one pixel: it is at 0.
float InverseSpan(int size) { return size > 1 ? 1.f / (size - 1) : 0.f; }

// A coordinate in pixels, or one beyond the same end of the axis that OpenCV
// can tell from it: its integers overflow at 6.7e7 pixels. NaN is before 0.
float Bounded(float pixel, int size) {
  return pixel >= -2 ? std::min(pixel, size + 1.f) : -2.f;
}

// The source pixel of every pixel in rows [begin, end): [rows, cols] of (x, y).
cv::Mat SourcePixels(const Flow& flow, const cv::Size& size, int begin,
                     int end) {
  cv::Mat map(end - begin, size.width, CV_32FC2);
  Eigen::Map<Eigen::Matrix2Xf> points(map.ptr<float>(), 2, map.total());
  const float dx = InverseSpan(size.width), dy = InverseSpan(size.height);
  for (int n = 0; n < points.cols(); ++n) {
    points.col(n) << (n % size.width) * dx, (begin + n / size.width) * dy;
  }
  flow.Transform<float>(points, points);
  for (int n = 0; n < points.cols(); ++n) {
    points(0, n) = Bounded(points(0, n) * (size.width - 1), size.width);
    points(1, n) = Bounded(points(1, n) * (size.height - 1), size.height);
  }
  return map;
}

}  // namespace

absl::StatusOr<cv::Mat> Warp(const cv::Mat& image, const Flow& flow,
                             const WarpOptions& options,
                             const ParallelFor& parallel_for) {
  if (absl::Status status = Validate(image, options); !status.ok()) {
    return status;
  }
  const int interpolation =
      options.interpolation == WarpOptions::Interpolation::kNearest
          ? cv::INTER_NEAREST
          : cv::INTER_LINEAR;
  const int border = options.outside == WarpOptions::Outside::kZero
                         ? cv::BORDER_CONSTANT
                         : cv::BORDER_REPLICATE;
  cv::Mat result(image.size(), image.type());
  const int num_bands = (image.rows + kBandRows - 1) / kBandRows;
  parallel_for(num_bands, [&](int64_t band) {
    const int begin = static_cast<int>(band) * kBandRows;
    const int end = std::min(begin + kBandRows, image.rows);
    cv::Mat rows = result.rowRange(begin, end);
    cv::remap(image, rows, SourcePixels(flow, image.size(), begin, end),
              cv::noArray(), interpolation, border);
  });
  return result;
}

}  // namespace cpab
