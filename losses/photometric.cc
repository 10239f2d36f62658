#include "losses/photometric.h"

#include <torch/torch.h>

#include <algorithm>

namespace losses {
namespace {

constexpr int64_t kSmallSide = 16;

}  // namespace

torch::Tensor PhotometricLoss(const torch::Tensor& driving,
                              const torch::Tensor& warped) {
  TORCH_CHECK(driving.dim() == 4 && driving.sizes() == warped.sizes(),
              "PhotometricLoss: needs two [B, C, H, W] of one shape, has ",
              driving.sizes(), " and ", warped.sizes());
  // Averaging is linear: the pyramid of the difference is that of both.
  torch::Tensor difference = warped - driving;
  torch::Tensor sum = difference.abs().mean();
  while (std::min(difference.size(2), difference.size(3)) >= kSmallSide) {
    difference = torch::avg_pool2d(difference, /*kernel_size=*/2);
    sum = sum + difference.abs().mean();
  }
  return sum;
}

}  // namespace losses
