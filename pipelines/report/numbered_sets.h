// Numbers of keypoint sets, from 1, where the sets are in a picture.
//
// Pictures are cv::Mat CV_8UC3 in RGB order. Tensors may be on any device and
// of any floating dtype.
#ifndef PIPELINES_REPORT_NUMBERED_SETS_H_
#define PIPELINES_REPORT_NUMBERED_SETS_H_

#include <torch/types.h>

#include "opencv2/core.hpp"

namespace pipelines {

// Writes the numbers of all sets of `keypoints` [P, 2] in [-1, 1] on `picture`,
// each in its colour (ColorOfSet) and as near to the middle of its keypoints as
// those before it leave room.
void DrawSetNumbers(const torch::Tensor& keypoints, int num_sets,
                    cv::Mat& picture);

// Draws the keypoints of set `index`, from 0, alone, in its colour, as
// DrawKeypoints (visualize.h) does.
void DrawKeypointsOfSet(const torch::Tensor& keypoints,
                        int keypoints_per_transform, int index,
                        cv::Mat& picture);

// Contribution maps [M, h, w] as colours (ContributionPicture), scaled to
// `size`, with the number of each keypoint set in the thickest place where it
// contributes more than all others.
cv::Mat DrawNumberedParts(const torch::Tensor& contributions, int num_sets,
                          cv::Size size);

}  // namespace pipelines

#endif  // PIPELINES_REPORT_NUMBERED_SETS_H_
