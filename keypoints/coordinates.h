// The two coordinate frames of the plane: the centred square [-1, 1]^2 of
// keypoints and sampling grids (-1 and 1 are the centres of the first and the
// last pixel) and the unit square [0, 1]^2 of CPAB. Same axes, x right, y down.
#ifndef KEYPOINTS_COORDINATES_H_
#define KEYPOINTS_COORDINATES_H_

#include <torch/types.h>

namespace keypoints {

// [-1, 1] -> [0, 1], any shape.
inline torch::Tensor UnitFromCentred(const torch::Tensor& points) {
  return (points + 1) / 2;
}

// [0, 1] -> [-1, 1], any shape.
inline torch::Tensor CentredFromUnit(const torch::Tensor& points) {
  return points * 2 - 1;
}

}  // namespace keypoints

#endif  // KEYPOINTS_COORDINATES_H_
