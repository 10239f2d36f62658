// How much two sets of keypoints differ beyond place and size.
#ifndef KEYPOINTS_SIMILARITY_H_
#define KEYPOINTS_SIMILARITY_H_

#include <torch/types.h>

namespace keypoints {

// The area of the convex hull of `points` [1, K, 2], any dtype and device.
double HullArea(const torch::Tensor& points);

// The squared distance between the keypoints, each set moved to its centre and
// divided by the square root of its hull's area, as the field chooses the
// driving frame that is most like a source [FOMM, demo]. source: [1, K, 2];
// driving: [N, K, 2]. Returns N values; sets without a hull stay unscaled.
torch::Tensor NormalisedDistances(const torch::Tensor& source,
                                  const torch::Tensor& driving);

// The same after the best turn, too: the residual of the least-squares
// similarity (Procrustes) that takes each driving set to the source's.
torch::Tensor AlignedDistances(const torch::Tensor& source,
                               const torch::Tensor& driving);

}  // namespace keypoints

#endif  // KEYPOINTS_SIMILARITY_H_
