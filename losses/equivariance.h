// Equivariance loss: keypoints move with the picture.
//
// Source: [FOMM] Sec. 3.3, the term of the keypoints; "equivariance loss" of
// GeneratorFullModel in modules/model.py of the code of [CPABMM].
#ifndef LOSSES_EQUIVARIANCE_H_
#define LOSSES_EQUIVARIANCE_H_

#include <torch/types.h>

#include "keypoints/tps.h"

namespace losses {

// Mean |driving_keypoints - T(transformed_keypoints)|, where the transformed
// keypoints were found in tps.TransformFrame(driving): what that frame shows at
// x is what the driving frame shows at T(x).
//
// Keypoints [B, K, 2] in [-1, 1]. Returns a scalar; unweighted.
torch::Tensor EquivarianceLoss(const torch::Tensor& driving_keypoints,
                               const torch::Tensor& transformed_keypoints,
                               const keypoints::RandomTps& tps);

}  // namespace losses

#endif  // LOSSES_EQUIVARIANCE_H_
