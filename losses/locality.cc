#include "losses/locality.h"

#include <torch/types.h>

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

// How far beyond `radius` the keypoints of each of `sets` sets are from each
// pixel, in the mean: [B, sets, h, w].
torch::Tensor Excess(const torch::Tensor& keypoints, int64_t sets,
                     int64_t height, int64_t width, double radius) {
  return (Distances(keypoints, height, width) - radius)
      .clamp_min(0)
      .unflatten(1, {sets, keypoints.size(1) / sets})
      .mean(/*dim=*/2);
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
  const int64_t sets = keypoints.size(1) / keypoints_per_set;
  const torch::Tensor of_sets = contributions.narrow(1, 1, sets);
  const torch::Tensor fixed = of_sets.detach();
  const torch::Tensor owned =
      fixed.square() / (fixed.sum(1, /*keepdim=*/true) + kTiny);
  const torch::Tensor excess =
      Excess(keypoints, sets, of_sets.size(2), of_sets.size(3), radius);
  const torch::Tensor sum = (excess.detach() * of_sets).sum({1, 2, 3}) +
                            (excess * owned).sum({1, 2, 3});
  return (sum / (of_sets.sum({1, 2, 3}) + kTiny)).mean();
}

}  // namespace losses
