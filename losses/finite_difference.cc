#include "losses/finite_difference.h"

#include <torch/autograd.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <algorithm>
#include <cstdint>

#include "gtest/gtest.h"

namespace losses {

using torch::Tensor;

void ExpectGradientEqualsFiniteDifferences(
    const std::function<Tensor(const Tensor&)>& function, const Tensor& point) {
  // In float64: truncation step^2 times a third derivative of order 1 to 100,
  // rounding 1e-16 / step; both below 1e-8.
  constexpr double kStep = 1e-5;
  constexpr double kAbsolute = 1e-8;
  constexpr double kRelative = 1e-5;
  constexpr int64_t kElements = 16;

  const Tensor leaf = point.clone().requires_grad_();
  const Tensor gradient =
      torch::autograd::grad({function(leaf)}, {leaf})[0].flatten();
  EXPECT_GT(gradient.abs().max().item<double>(), 0);

  torch::NoGradGuard no_grad;
  const int64_t stride = std::max<int64_t>(1, point.numel() / kElements);
  for (int64_t i = 0; i < point.numel(); i += stride) {
    const auto moved = [&](double step) {
      Tensor at = point.clone();
      at.view(-1)[i] += step;
      return function(at).item<double>();
    };
    const double difference = (moved(kStep) - moved(-kStep)) / (2 * kStep);
    EXPECT_NEAR(gradient[i].item<double>(), difference,
                kAbsolute + kRelative * std::abs(difference))
        << "element " << i;
  }
}

}  // namespace losses
