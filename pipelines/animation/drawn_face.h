// Faces that OpenCV's cascade takes for faces, drawn for tests.
#ifndef PIPELINES_ANIMATION_DRAWN_FACE_H_
#define PIPELINES_ANIMATION_DRAWN_FACE_H_

#include <algorithm>

#include "opencv2/core.hpp"
#include "opencv2/imgproc.hpp"

namespace pipelines {

// Draws a face, `height` pixels from chin to hair, with its middle at `centre`.
inline void DrawFace(cv::Point2d centre, double height, cv::Mat& picture) {
  const double u = height / 2;
  const auto at = [&](double x, double y) {
    return cv::Point(cvRound(centre.x + x * u), cvRound(centre.y + y * u));
  };
  const auto size = [&](double x, double y) {
    return cv::Size(std::max(1, cvRound(x * u)), std::max(1, cvRound(y * u)));
  };
  const auto oval = [&](double x, double y, double w, double h, int grey) {
    cv::ellipse(picture, at(x, y), size(w, h), 0, 0, 360, cv::Scalar::all(grey),
                cv::FILLED, cv::LINE_AA);
  };
  oval(0, -0.25, 0.85, 0.95, 50);  // hair
  oval(0, 0.05, 0.72, 0.95, 205);  // skin
  for (const double side : {-1.0, 1.0}) {
    oval(0.32 * side, -0.14, 0.24, 0.14, 120);  // the socket
    oval(0.32 * side, -0.25, 0.24, 0.06, 60);   // the brow
    oval(0.32 * side, -0.1, 0.14, 0.07, 235);
    oval(0.32 * side, -0.1, 0.07, 0.07, 30);
    oval(0.5 * side, 0.3, 0.12, 0.3, 190);    // the cheek's shadow
    oval(0.1 * side, 0.26, 0.06, 0.04, 110);  // the nostril
  }
  oval(0, 0.05, 0.07, 0.22, 225);  // the nose
  oval(0, 0.52, 0.28, 0.07, 110);  // the mouth
  oval(0, 0.66, 0.2, 0.05, 180);
  cv::GaussianBlur(picture, picture, {}, std::max(0.5, u / 40));
}

}  // namespace pipelines

#endif  // PIPELINES_ANIMATION_DRAWN_FACE_H_
