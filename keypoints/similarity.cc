#include "keypoints/similarity.h"

#include <torch/types.h>

#include <cmath>
#include <cstdint>
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>
#include <vector>

namespace keypoints {
namespace {

// Below this a hull is a line but for rounding: float32's is 6e-8 of a
// coordinate of size 1, along a line of some units.
constexpr double kLeastArea = 1e-6;

torch::Tensor Centred(const torch::Tensor& points) {
  const torch::Tensor flat = points.detach().to(torch::kCPU, torch::kFloat64);
  return flat - flat.mean(1, /*keepdim=*/true);
}

// Sets moved to their centre, of hull area 1.
torch::Tensor Normalised(const torch::Tensor& points) {
  torch::Tensor result = Centred(points).clone();
  for (int64_t i = 0; i < result.size(0); ++i) {
    const double area = HullArea(result.slice(0, i, i + 1));
    if (area > 0) result[i] /= std::sqrt(area);
  }
  return result;
}

// Norms of [N, K, 2] over K and 2, as [N, 1, 1].
torch::Tensor Sizes(const torch::Tensor& points) {
  return points.square().sum({1, 2}, /*keepdim=*/true).sqrt();
}

}  // namespace

double HullArea(const torch::Tensor& points) {
  TORCH_CHECK(points.dim() == 3 && points.size(0) == 1 && points.size(2) == 2,
              "HullArea: keypoints must be [1, K, 2], are ", points.sizes());
  const torch::Tensor flat = points.detach()
                                 .to(torch::kCPU, torch::kFloat32)
                                 .reshape({-1, 2})
                                 .contiguous();
  const cv::Mat view(static_cast<int>(flat.size(0)), 1, CV_32FC2,
                     flat.data_ptr<float>());
  std::vector<cv::Point2f> hull;
  cv::convexHull(view, hull);
  const double area = cv::contourArea(hull);
  return area < kLeastArea ? 0 : area;
}

torch::Tensor NormalisedDistances(const torch::Tensor& source,
                                  const torch::Tensor& driving) {
  return (Normalised(driving) - Normalised(source)).square().sum({1, 2});
}

torch::Tensor AlignedDistances(const torch::Tensor& source,
                               const torch::Tensor& driving) {
  torch::Tensor s = Centred(source), d = Centred(driving);
  s = s / Sizes(s).clamp_min(1e-12);
  d = d / Sizes(d).clamp_min(1e-12);
  // In the plane the best turn has a closed form: with c and w the sums of dot
  // and cross products, the residual of unit-size sets is 1 - (c^2 + w^2).
  const torch::Tensor dot = (d * s).sum({1, 2});
  const torch::Tensor cross =
      (d.select(2, 0) * s.select(2, 1) - d.select(2, 1) * s.select(2, 0))
          .sum(1);
  return (1 - dot.square() - cross.square()).clamp_min(0);
}

}  // namespace keypoints
