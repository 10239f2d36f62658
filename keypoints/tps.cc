#include "keypoints/tps.h"

#include <torch/nn/functional.h>
#include <torch/types.h>

#include <cmath>
#include <utility>

#include "networks/copy_ahead.h"
#include "networks/exact_scope.h"
#include "networks/sampling.h"

namespace keypoints {

RandomTps RandomTps::Sample(int64_t batch, const RandomTpsOptions& options,
                            torch::Generator generator, torch::Device device) {
  const torch::Tensor affine =
      torch::eye(2, 3) +
      options.sigma_affine *
          torch::randn({batch, 2, 3}, generator, torch::TensorOptions());
  const torch::Tensor weights =
      options.sigma_tps *
      torch::randn({batch, options.points_tps * options.points_tps}, generator,
                   torch::TensorOptions());
  return RandomTps(networks::CopyAhead(affine, device),
                   networks::CopyAhead(weights, device));
}

RandomTps::RandomTps(torch::Tensor affine, torch::Tensor weights)
    : affine_(std::move(affine)), weights_(std::move(weights)) {
  const int64_t side = std::llround(std::sqrt(weights_.size(1)));
  TORCH_CHECK(
      affine_.dim() == 3 && affine_.size(1) == 2 && affine_.size(2) == 3 &&
          side * side == weights_.size(1),
      "RandomTps: affine must be [B, 2, 3] and weights [B, n * n], are ",
      affine_.sizes(), " and ", weights_.sizes());
  control_points_ =
      networks::CoordinateGrid(side, side, weights_.options()).view({-1, 2});
}

RandomTps RandomTps::Narrow(int64_t first, int64_t count) const {
  return RandomTps(affine_.narrow(0, first, count),
                   weights_.narrow(0, first, count));
}

torch::Tensor RandomTps::WarpCoordinates(const torch::Tensor& points) const {
  const networks::ExactScope exact(points.device());
  const torch::Tensor linear = affine_.slice(2, 0, 2);  // [B, 2, 2]
  const torch::Tensor offset = affine_.select(2, 2);    // [B, 2]
  const torch::Tensor straight =
      torch::matmul(points, linear.transpose(1, 2)) + offset.unsqueeze(1);
  const torch::Tensor squared_distance =
      (points.unsqueeze(2) - control_points_).square().sum(-1);  // [B, N, n n]
  const torch::Tensor bumps =
      squared_distance * torch::log(squared_distance + 1e-9);
  return straight + torch::matmul(bumps, weights_.unsqueeze(-1));  // [B, N, 1]
}

torch::Tensor RandomTps::Grid(int64_t height, int64_t width) const {
  const torch::Tensor pixels =
      networks::CoordinateGrid(height, width, affine_.options())
          .view({1, -1, 2});
  return WarpCoordinates(pixels).view({-1, height, width, 2});
}

torch::Tensor RandomTps::TransformFrame(const torch::Tensor& frame) const {
  namespace F = torch::nn::functional;
  return F::grid_sample(frame, Grid(frame.size(2), frame.size(3)),
                        F::GridSampleFuncOptions()
                            .mode(torch::kBilinear)
                            .padding_mode(torch::kReflection)
                            .align_corners(true));
}

}  // namespace keypoints
