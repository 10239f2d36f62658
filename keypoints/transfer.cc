#include "keypoints/transfer.h"

#include <torch/torch.h>

#include <cmath>
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>
#include <utility>
#include <vector>

namespace keypoints {
namespace {

double HullArea(const torch::Tensor& points) {
  TORCH_CHECK(points.dim() == 3 && points.size(0) == 1 && points.size(2) == 2,
              "HullScale: keypoints must be [1, K, 2], are ", points.sizes());
  const torch::Tensor flat = points.detach()
                                 .to(torch::kCPU, torch::kFloat32)
                                 .reshape({-1, 2})
                                 .contiguous();
  const cv::Mat view(static_cast<int>(flat.size(0)), 1, CV_32FC2,
                     flat.data_ptr<float>());
  std::vector<cv::Point2f> hull;
  cv::convexHull(view, hull);
  return cv::contourArea(hull);
}

}  // namespace

double HullScale(const torch::Tensor& source, const torch::Tensor& driving) {
  const double driving_area = HullArea(driving);
  // Below this the hull is a line but for rounding.
  constexpr double kLeastArea = 1e-9;
  if (driving_area < kLeastArea) return 1;
  return std::sqrt(HullArea(source) / driving_area);
}

MotionTransfer::MotionTransfer(const TransferOptions& options,
                               torch::Tensor source,
                               torch::Tensor first_driving, Avd avd)
    : mode_(options.mode),
      source_(std::move(source)),
      first_driving_(std::move(first_driving)),
      avd_(std::move(avd)) {
  TORCH_CHECK(mode_ != TransferMode::kAvd || avd_ != nullptr,
              "MotionTransfer: AVD mode needs the AVD network");
  if (mode_ == TransferMode::kRelative && options.adapt_scale) {
    scale_ = HullScale(source_, first_driving_);
  }
}

torch::Tensor MotionTransfer::Apply(const torch::Tensor& driving) const {
  switch (mode_) {
    case TransferMode::kStandard:
      return driving;
    case TransferMode::kRelative:
      return source_ + (driving - first_driving_) * scale_;
    case TransferMode::kAvd:
      return avd_(source_.expand_as(driving), driving);
  }
  TORCH_CHECK(false, "MotionTransfer: unknown mode");
}

}  // namespace keypoints
