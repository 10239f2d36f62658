#include "losses/locality.h"

#include <torch/torch.h>

#include "networks/sampling.h"

namespace losses {
namespace {

// Keeps the loss finite where no set explains anything.
constexpr double kTiny = 1e-6;

// Keeps the gradient of a distance finite at 0.
constexpr double kTinySquare = 1e-12;

// Distances of each keypoint from each pixel: [B, P, h, w].
torch::Tensor Distances(const torch::Tensor& keypoints, int64_t height,
                        int64_t width) {
  const torch::Tensor pixels =
      networks::CoordinateGrid(height, width, keypoints.options());
  // x and y apart: no [B, P, h, w, 2].
  const auto square = [&](int64_t axis) {
    return (pixels.select(-1, axis) -
            keypoints.select(-1, axis).unsqueeze(-1).unsqueeze(-1))
        .square();
  };
  return (square(0) + square(1) + kTinySquare).sqrt();
}

// Sum over sets and pixels of shares times how far beyond `radius` the set's
// keypoints are: [B]. shares: [B, sets, h, w].
torch::Tensor Excess(const torch::Tensor& keypoints,
                     const torch::Tensor& shares, double radius) {
  const int64_t sets = shares.size(1);
  return ((Distances(keypoints, shares.size(2), shares.size(3)) - radius)
              .clamp_min(0)
              .unflatten(1, {sets, keypoints.size(1) / sets})
              .mean(/*dim=*/2) *
          shares)
      .sum({1, 2, 3});
}

}  // namespace

torch::Tensor LocalityLoss(const torch::Tensor& keypoints,
                           const torch::Tensor& contributions,
                           int64_t keypoints_per_set, double radius) {
  TORCH_CHECK(keypoints_per_set > 0 && keypoints.dim() == 3 &&
                  keypoints.size(1) % keypoints_per_set == 0 &&
                  keypoints.size(2) == 2 && contributions.dim() == 4 &&
                  contributions.size(0) == keypoints.size(0) &&
                  contributions.size(1) > keypoints.size(1) / keypoints_per_set,
              "LocalityLoss: needs [B, P, 2] and [B, M, h, w], M > P / ",
              keypoints_per_set, ", has ", keypoints.sizes(), " and ",
              contributions.sizes());
  const torch::Tensor of_sets =
      contributions.narrow(1, 1, keypoints.size(1) / keypoints_per_set);
  const torch::Tensor fixed = of_sets.detach();
  const torch::Tensor owned =
      fixed.square() / (fixed.sum(1, /*keepdim=*/true) + kTiny);
  const torch::Tensor sum = Excess(keypoints.detach(), of_sets, radius) +
                            Excess(keypoints, owned, radius);
  return (sum / (of_sets.sum({1, 2, 3}) + kTiny)).mean();
}

}  // namespace losses
