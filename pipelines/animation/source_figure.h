// Where the figure is in a source picture, when only the model's coarse idea of
// it is known. Free of LibTorch.
#ifndef PIPELINES_ANIMATION_SOURCE_FIGURE_H_
#define PIPELINES_ANIMATION_SOURCE_FIGURE_H_

#include "opencv2/core.hpp"

namespace pipelines {

// The figure's mask, CV_32FC1 in [0, 1] and of the size of `picture`, CV_8UC3.
//
// background: the contribution map of the background candidate of the source at
// rest, CV_32FC1 of any size. It is coarse, and the figure's margin in it shows
// a piece of wall. So colours decide inside of it: [GrabCut] tells the figure's
// from those of what is surely background. Where that leaves less than a
// quarter of the figure, as where both have the same colours, the map alone
// decides. The same picture and map give the same mask.
cv::Mat FigureOfSource(const cv::Mat& picture, const cv::Mat& background);

}  // namespace pipelines

#endif  // PIPELINES_ANIMATION_SOURCE_FIGURE_H_
