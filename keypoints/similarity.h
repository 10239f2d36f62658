// How much the keypoints of two frames differ apart from position and size.
#ifndef KEYPOINTS_SIMILARITY_H_
#define KEYPOINTS_SIMILARITY_H_

#include <torch/types.h>

namespace keypoints {

// The area of the convex hull of `points` [1, K, 2], any dtype and device; 0 of
// points that are on a line but for rounding.
double HullArea(const torch::Tensor& points);

// The squared distance between the keypoints of the source and of each driving
// frame, both normalised: minus their centre, divided by the square root of
// their hull's area. So the demo of [FOMM] chooses the driving frame that is
// most like a source. source: [1, K, 2]; driving: [N, K, 2]. Returns N values;
// keypoints whose hull has no area stay unscaled.
torch::Tensor NormalisedDistances(const torch::Tensor& source,
                                  const torch::Tensor& driving);

// The same after the best rotation, too: the residual of the least-squares
// similarity (Procrustes) that takes the keypoints of each driving frame to the
// source's.
torch::Tensor AlignedDistances(const torch::Tensor& source,
                               const torch::Tensor& driving);

}  // namespace keypoints

#endif  // KEYPOINTS_SIMILARITY_H_
