#include "losses/photometric.h"

#include <torch/types.h>

#include <algorithm>
#include <cstdint>

namespace losses {
namespace {

constexpr int64_t kSmallSide = 16;

bool IsSmall(const torch::Tensor& x) {
  return std::min(x.size(-2), x.size(-1)) < kSmallSide;
}

torch::Tensor Halve(const torch::Tensor& x) {
  return torch::avg_pool2d(x, /*kernel_size=*/2);
}

}  // namespace

torch::Tensor PhotometricLoss(const torch::Tensor& driving,
                              const torch::Tensor& warped) {
  TORCH_CHECK(driving.dim() == 4 && driving.sizes() == warped.sizes(),
              "PhotometricLoss: needs two [B, C, H, W] of one shape, has ",
              driving.sizes(), " and ", warped.sizes());
  // Averaging is linear: the pyramid of the difference is that of both.
  torch::Tensor difference = warped - driving;
  torch::Tensor sum = difference.abs().mean();
  while (!IsSmall(difference)) {
    difference = Halve(difference);
    sum = sum + difference.abs().mean();
  }
  return sum;
}

torch::Tensor MixturePhotometricLoss(const torch::Tensor& driving,
                                     const torch::Tensor& warped,
                                     const torch::Tensor& contributions) {
  TORCH_CHECK(driving.dim() == 4 && warped.dim() == 5 &&
                  warped.select(1, 0).sizes() == driving.sizes() &&
                  contributions.sizes() == warped.select(2, 0).sizes(),
              "MixturePhotometricLoss: needs [B, C, h, w], [B, M, C, h, w] and "
              "[B, M, h, w], has ",
              driving.sizes(), ", ", warped.sizes(), " and ",
              contributions.sizes());
  const int64_t candidates = warped.size(1), channels = warped.size(2);
  torch::Tensor difference =
      (warped - driving.unsqueeze(1)).flatten(1, 2);  // [B, M C, h, w]
  torch::Tensor probability = contributions;
  const auto expected = [&] {
    return (difference.abs()
                .unflatten(1, {candidates, channels})
                .mean(/*dim=*/2) *
            probability)
        .sum(1)
        .mean();
  };
  torch::Tensor sum = expected();
  while (!IsSmall(difference)) {
    difference = Halve(difference);
    probability = Halve(probability);
    sum = sum + expected();
  }
  return sum;
}

}  // namespace losses
