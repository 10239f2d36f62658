#include "losses/equivariance.h"

#include <torch/types.h>

namespace losses {

torch::Tensor EquivarianceLoss(const torch::Tensor& driving_keypoints,
                               const torch::Tensor& transformed_keypoints,
                               const keypoints::RandomTps& tps) {
  return torch::l1_loss(driving_keypoints,
                        tps.WarpCoordinates(transformed_keypoints));
}

}  // namespace losses
