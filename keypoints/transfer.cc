#include "keypoints/transfer.h"

#include <torch/types.h>

#include <cmath>
#include <cstdint>
#include <utility>

#include "keypoints/similarity.h"
#include "networks/copy_ahead.h"

namespace keypoints {
namespace {

// [1, K, 1]; undefined where nothing is to be scaled.
torch::Tensor ScaleOfKeypoints(const std::vector<double>& scales,
                               const torch::Tensor& like) {
  if (scales.empty()) return {};
  const auto groups = static_cast<int64_t>(scales.size());
  TORCH_CHECK(like.size(1) % groups == 0, "MotionTransfer: ", groups,
              " motion scales for ", like.size(1), " keypoints");
  return networks::NumbersAhead(scales, like)
      .repeat_interleave(like.size(1) / groups)
      .view({1, -1, 1});
}

}  // namespace

double HullScale(const torch::Tensor& source, const torch::Tensor& driving) {
  const double driving_area = HullArea(driving);
  if (driving_area == 0) return 1;
  return std::sqrt(HullArea(source) / driving_area);
}

MotionTransfer::MotionTransfer(const TransferOptions& options,
                               torch::Tensor source,
                               torch::Tensor first_driving, Avd avd)
    : mode_(options.mode),
      source_(std::move(source)),
      first_driving_(std::move(first_driving)),
      motion_scale_(ScaleOfKeypoints(options.motion_scale, source_)),
      avd_(std::move(avd)) {
  TORCH_CHECK(mode_ != TransferMode::kAvd || avd_ != nullptr,
              "MotionTransfer: AVD mode needs the AVD network");
  if (mode_ == TransferMode::kRelative && options.adapt_scale) {
    scale_ = HullScale(source_, first_driving_);
  }
}

torch::Tensor MotionTransfer::Apply(const torch::Tensor& driving) const {
  const torch::Tensor keypoints = Transfer(driving);
  if (!motion_scale_.defined()) return keypoints;
  return source_ + (keypoints - source_) * motion_scale_;
}

torch::Tensor MotionTransfer::Transfer(const torch::Tensor& driving) const {
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
