#include "keypoints/one_euro_filter.h"

#include <torch/types.h>

#include <algorithm>

namespace keypoints {
namespace {

constexpr double kTwoPi = 6.283185307179586;
constexpr double kLeastPeriod = 1e-3;  // seconds

// The share of the new value in a first-order low pass: 1 / (1 + tau / period).
torch::Tensor Smoothing(const torch::Tensor& cutoff, double period) {
  const torch::Tensor turns = kTwoPi * period * cutoff;
  return turns / (turns + 1);
}

}  // namespace

OneEuroFilter::OneEuroFilter(const OneEuroOptions& options)
    : options_(options) {
  TORCH_CHECK(options.min_cutoff > 0 && options.speed_gain >= 0 &&
                  options.speed_cutoff > 0,
              "OneEuroFilter: cutoffs must be above 0, the gain 0 or more");
}

torch::Tensor OneEuroFilter::Apply(const torch::Tensor& keypoints,
                                   double seconds) {
  if (!previous_.defined()) {
    previous_ = keypoints;
    velocity_ = torch::zeros_like(keypoints);
    seconds_ = seconds;
    return keypoints;
  }
  const double period = std::max(seconds - seconds_, kLeastPeriod);
  const torch::Tensor velocity = (keypoints - previous_) / period;
  const torch::Tensor speed_share = Smoothing(
      torch::full({1}, options_.speed_cutoff, keypoints.options()), period);
  velocity_ = velocity_ + speed_share * (velocity - velocity_);
  const torch::Tensor speed =
      velocity_.square().sum(-1, /*keepdim=*/true).sqrt();
  const torch::Tensor share =
      Smoothing(options_.min_cutoff + options_.speed_gain * speed, period);
  previous_ = previous_ + share * (keypoints - previous_);
  seconds_ = seconds;
  return previous_;
}

}  // namespace keypoints
