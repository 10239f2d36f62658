#include "losses/background_consistency.h"

#include <torch/types.h>

#include "networks/exact_scope.h"

namespace losses {

torch::Tensor BackgroundLoss(const torch::Tensor& source_from_driving,
                             const torch::Tensor& driving_from_source) {
  const networks::ExactScope exact(source_from_driving.device());
  const torch::Tensor round_trip =
      torch::matmul(source_from_driving, driving_from_source);
  return (torch::eye(3, round_trip.options()) - round_trip).abs().mean();
}

}  // namespace losses
