// Draws tessellations, velocity fields and deformed grids on images.
//
// The unit square fills the canvas but for a margin, so that what leaves the
// square can be seen.
#ifndef CPAB_IMAGE_DRAWING_H_
#define CPAB_IMAGE_DRAWING_H_

#include "cpab/field/tessellation.h"
#include "cpab/field/velocity_field.h"
#include "cpab/flow/flow.h"
#include "opencv2/core/mat.hpp"
#include "opencv2/core/types.hpp"

namespace cpab {

class Canvas {
 public:
  // White, `side` x `side` pixels, 8-bit with three channels. `margin` is a
  // fraction of the canvas, at least 0 and below 0.5.
  explicit Canvas(int side, double margin = 0.1);
  // On a copy of `image` (CV_8UC3), which fills the unit square: no margin.
  explicit Canvas(const cv::Mat& image);

  const cv::Mat& image() const { return image_; }

  void DrawTessellation(const Tessellation& tessellation,
                        const cv::Scalar& colour);

  // One arrow for each point of an `arrows` x `arrows` grid; the longest spans
  // a grid step.
  void DrawVelocityField(const VelocityField& field, int arrows,
                         const cv::Scalar& colour);

  // The image under T of `lines` + 1 straight lines along each axis.
  void DrawDeformedGrid(const Flow& flow, int lines, const cv::Scalar& colour);

 private:
  // Fixed-point pixel coordinates, as OpenCV's drawing functions take them.
  cv::Point PixelOf(const Eigen::Vector2d& x) const;
  void DrawPath(const std::vector<Eigen::Vector2d>& points,
                const cv::Scalar& colour);

  cv::Mat image_;
  Eigen::Vector2d origin_, span_;  // Of the unit square, in pixels.
};

}  // namespace cpab

#endif  // CPAB_IMAGE_DRAWING_H_
