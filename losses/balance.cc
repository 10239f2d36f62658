#include "losses/balance.h"

#include <torch/types.h>

#include <cmath>

namespace losses {
namespace {

// Where a share is 0, its logarithm and its gradient stay finite; where nothing
// differs, shares do.
constexpr double kTiny = 1e-6;

torch::Tensor Entropy(const torch::Tensor& shares) {  // [B]
  return -(shares * (shares + kTiny).log()).sum(1);
}

}  // namespace

torch::Tensor TransformShares(const torch::Tensor& source,
                              const torch::Tensor& driving,
                              const torch::Tensor& contributions) {
  TORCH_CHECK(
      driving.dim() == 4 && source.sizes() == driving.sizes() &&
          contributions.dim() == 4 && contributions.size(1) >= 2 &&
          contributions.select(1, 0).sizes() == driving.select(1, 0).sizes(),
      "TransformShares: needs two [B, C, h, w] and [B, M, h, w], M >= 2, "
      "has ",
      source.sizes(), ", ", driving.sizes(), " and ", contributions.sizes());
  const torch::Tensor difference =
      (driving - source).abs().mean(/*dim=*/1, /*keepdim=*/true).detach();
  const torch::Tensor mass =
      (contributions.slice(1, 1) * difference).sum({2, 3});
  return mass / (mass.sum(1, /*keepdim=*/true) + kTiny);
}

torch::Tensor BalanceLoss(const torch::Tensor& shares) {
  return std::log(static_cast<double>(shares.size(1))) - Entropy(shares).mean();
}

torch::Tensor TransformsInUse(const torch::Tensor& shares) {
  return Entropy(shares.detach()).exp().mean();
}

}  // namespace losses
