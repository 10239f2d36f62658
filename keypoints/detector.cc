#include "keypoints/detector.h"

#include <torch/types.h>
#include <torch/utils.h>

#include <algorithm>
#include <cmath>

namespace keypoints {
namespace {

constexpr double kTwoPi = 6.283185307179586;

// Radius of a set over the spread of the sets, so that neighbours overlap.
constexpr double kRadius = 0.6;

// What is left of the last layer's weights.
constexpr double kImageShare = 0.1;

// Step k of the sequence of [R2], in [-1, 1].
double Scatter(int64_t k, double step) {
  return 2 * std::fmod(0.5 + step * static_cast<double>(k), 1.0) - 1;
}

// [sets, points, 2], (x, y).
torch::Tensor RegularSets(int64_t sets, int64_t points, double spread) {
  // The reciprocals of the root of x^3 = x + 1 and of its square; the golden
  // angle.
  constexpr double kStepX = 0.7548776662466927, kStepY = 0.5698402909980532;
  constexpr double kTurn = 2.399963229728653;
  torch::Tensor layout = torch::empty({sets, points, 2}, torch::kFloat64);
  auto at = layout.accessor<double, 3>();
  for (int64_t k = 0; k < sets; ++k) {
    for (int64_t i = 0; i < points; ++i) {
      const double angle =
          kTurn * static_cast<double>(k) +
          kTwoPi * static_cast<double>(i) /
              static_cast<double>(std::max<int64_t>(points - 1, 1));
      // The last is the centre.
      const double radius = i == points - 1 ? 0 : kRadius * spread;
      at[k][i][0] = spread * Scatter(k + 1, kStepX) + radius * std::cos(angle);
      at[k][i][1] = spread * Scatter(k + 1, kStepY) + radius * std::sin(angle);
    }
  }
  return layout;
}

}  // namespace

void KeypointDetector::SpreadKeypoints(double spread) {
  TORCH_CHECK(spread > 0 && (1 + kRadius) * spread < 1,
              "KeypointDetector: spread must be in (0, 0.6], is ", spread);
  const torch::NoGradGuard no_grad;
  BeginAt(RegularSets(num_transforms_, per_transform_, spread)
              .flatten(0, 1)
              .to(torch::kFloat32),
          kImageShare);
}

}  // namespace keypoints
