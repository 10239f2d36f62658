// A picture that shows where a model's keypoint sets are and what they move,
// with the numbers and names by which motion scales know them.
#ifndef PIPELINES_ANIMATION_SETS_PICTURE_H_
#define PIPELINES_ANIMATION_SETS_PICTURE_H_

#include <torch/types.h>

#include "opencv2/core.hpp"
#include "pipelines/animation/set_names.h"

namespace pipelines {

// First `picture` (CV_8UC3 RGB) with all sets in their colours and their
// numbers; then a tile for each set: its keypoints, `picture` dark where the
// set moves nothing, a line about what it moves by at least half of its
// strongest, and under it its number, name and how much of its motion that
// strongest place makes.
//
// keypoints: [P, 2] in [-1, 1], set by set. reach: [K, h, w], of ReachOfSets.
cv::Mat DrawSets(const cv::Mat& picture, const torch::Tensor& keypoints,
                 const torch::Tensor& reach, const SetNames& names);

}  // namespace pipelines

#endif  // PIPELINES_ANIMATION_SETS_PICTURE_H_
