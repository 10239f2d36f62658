// Lines of the driving frame, and where a motion says that they lie in the
// source: the borders of CPAB's cells, and a regular grid.
//
// Coordinates: (x, y), x right, y down, [-1, 1] from the centre of the first to
// that of the last pixel.
#ifndef PIPELINES_EXPLANATION_FIELD_LINES_H_
#define PIPELINES_EXPLANATION_FIELD_LINES_H_

#include <torch/types.h>

#include <vector>

#include "opencv2/core.hpp"
#include "pipelines/config/config.pb.h"

namespace pipelines {

// One line, from point to point.
using Polyline = std::vector<cv::Point2d>;

// The borders of the triangles into which `motion` cuts the frame, each once,
// with points close enough to be bent; none for other motion models than CPAB,
// which is what a `motion` without any is.
std::vector<Polyline> CellBorders(const MotionConfig& motion);

// `lines` + 1 straight lines along each axis, from border to border.
std::vector<Polyline> GridLines(int lines);

// Where `field` [h, w, 2], source_from_driving at points of a regular grid over
// the frame, says that `lines` of the driving frame lie in the source. Bilinear
// between those points. Any device and floating dtype.
std::vector<Polyline> MoveLines(const torch::Tensor& field,
                                const std::vector<Polyline>& lines);

// Draws `lines` on `picture` (CV_8UC3), `opacity` from 0 to 1. Points that are
// far outside or not finite do no harm.
void DrawLines(const std::vector<Polyline>& lines, const cv::Scalar& colour,
               double opacity, cv::Mat& picture);

}  // namespace pipelines

#endif  // PIPELINES_EXPLANATION_FIELD_LINES_H_
