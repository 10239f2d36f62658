#include "cpab/image/drawing.h"

#include <algorithm>
#include <vector>

#include "opencv2/imgproc.hpp"

namespace cpab {
namespace {

constexpr int kShift = 4;  // Fractional bits of OpenCV's drawing coordinates.

}  // namespace

Canvas::Canvas(int side, double margin)
    : image_(side, side, CV_8UC3, cv::Scalar::all(255)),
      origin_(Eigen::Vector2d::Constant(margin * (side - 1))),
      span_(Eigen::Vector2d::Constant((1 - 2 * margin) * (side - 1))) {}

Canvas::Canvas(const cv::Mat& image)
    : image_(image.clone()),
      origin_(Eigen::Vector2d::Zero()),
      span_(image.cols - 1, image.rows - 1) {}

cv::Point Canvas::PixelOf(const Eigen::Vector2d& x) const {
  const Eigen::Vector2d pixel = origin_ + span_.cwiseProduct(x);
  // Far points, and NaN, to somewhere outside that fits an int.
  const auto fixed = [](double value) {
    constexpr double kFar = 1 << 20;
    const double bounded = value > -kFar ? std::min(value, kFar) : -kFar;
    return cvRound(bounded * (1 << kShift));
  };
  return {fixed(pixel.x()), fixed(pixel.y())};
}

void Canvas::DrawPath(const std::vector<Eigen::Vector2d>& points,
                      const cv::Scalar& colour) {
  std::vector<cv::Point> pixels;
  for (const Eigen::Vector2d& point : points) pixels.push_back(PixelOf(point));
  cv::polylines(image_, pixels, /*isClosed=*/false, colour, 1, cv::LINE_AA,
                kShift);
}

void Canvas::DrawTessellation(const Tessellation& tessellation,
                              const cv::Scalar& colour) {
  for (const auto& cell : tessellation.cells()) {
    for (int e = 0; e < 3; ++e) {
      DrawPath({tessellation.vertices().col(cell[e]),
                tessellation.vertices().col(cell[(e + 1) % 3])},
               colour);
    }
  }
}

void Canvas::DrawVelocityField(const VelocityField& field, int arrows,
                               const cv::Scalar& colour) {
  std::vector<Eigen::Vector2d> starts, velocities;
  double fastest = 0;
  for (int n = 0; n < arrows * arrows; ++n) {
    starts.emplace_back((n % arrows + 0.5) / arrows,
                        (n / arrows + 0.5) / arrows);
    velocities.push_back(field(starts.back()));
    fastest = std::max(fastest, velocities.back().norm());
  }
  for (size_t n = 0; n < starts.size(); ++n) {
    const Eigen::Vector2d arrow =
        fastest > 0 ? Eigen::Vector2d(velocities[n] / (fastest * arrows))
                    : Eigen::Vector2d::Zero();
    const Eigen::Vector2d tip = starts[n] + arrow;
    const Eigen::Vector2d across(-arrow.y(), arrow.x());
    DrawPath({starts[n], tip}, colour);
    DrawPath({tip - 0.3 * arrow + 0.15 * across, tip,
              tip - 0.3 * arrow - 0.15 * across},
             colour);
  }
}

void Canvas::DrawDeformedGrid(const Flow& flow, int lines,
                              const cv::Scalar& colour) {
  constexpr int kPointsPerLine = 200;
  for (int axis = 0; axis < 2; ++axis) {
    for (int line = 0; line <= lines; ++line) {
      std::vector<Eigen::Vector2d> path;
      for (int n = 0; n <= kPointsPerLine; ++n) {
        Eigen::Vector2d x;
        x[axis] = double(n) / kPointsPerLine;
        x[1 - axis] = double(line) / lines;
        path.push_back(flow(x));
      }
      DrawPath(path, colour);
    }
  }
}

}  // namespace cpab
