// Tested by animate_video_test.cc.
#include "pipelines/animation/driving_keypoints.h"

#include <torch/types.h>

#include "keypoints/one_euro_filter.h"
#include "opencv2/core.hpp"
#include "pipelines/animation/batch_size.h"
#include "pipelines/animation/three_stages.h"
#include "third_party/absl/status_macros.h"

namespace pipelines {

// [B, P, 2]: as the frames have them, or as they are found in them.
torch::Tensor DrivingKeypoints::KeypointsOf(
    const DrivingReader& driving,
    const std::vector<DrivingFrame>& frames) const {
  std::vector<cv::Mat> crops;
  std::vector<torch::Tensor> keypoints;
  for (const DrivingFrame& frame : frames) {
    crops.push_back(frame.crop);
    keypoints.push_back(frame.keypoints);
  }
  return driving.has_pictures() ? animator_.DetectKeypoints(crops)
                                : torch::stack(keypoints);
}

absl::Status DrivingKeypoints::ReadAll(DrivingReader& driving, int batch_size,
                                       const WorkHooks& hooks) {
  std::vector<torch::Tensor> keypoints;
  ThreeStages<DrivingFrame, int> stages;
  stages.batch_size = BatchSize(batch_size, animator_.frame_size());
  stages.read = [&driving] { return driving.Next(); };
  stages.compute = [&](const std::vector<DrivingFrame>& batch)
      -> absl::StatusOr<std::vector<int>> {
    RETURN_IF_ERROR(CheckNotStopped(hooks));
    keypoints.push_back(KeypointsOf(driving, batch));
    for (const DrivingFrame& frame : batch) seconds_.push_back(frame.seconds);
    return std::vector<int>();
  };
  stages.write = [](int) { return absl::OkStatus(); };
  StageSeconds unused;
  RETURN_IF_ERROR(stages.Run(&unused));
  if (keypoints.empty()) {
    return absl::DataLossError(path_ + ": no frame can be read");
  }
  detected_ = torch::cat(keypoints);
  return absl::OkStatus();
}

void DrivingKeypoints::Smooth(const keypoints::ZeroPhaseOptions& options) {
  smoothed_ = keypoints::SmoothZeroPhase(detected_, seconds_, options);
}

torch::Tensor DrivingKeypoints::At(int64_t frame) const {
  const auto& causal = animator_.options().smoothing;
  if (smoothed_.defined() || !causal) {
    return (smoothed_.defined() ? smoothed_ : detected_)
        .slice(0, frame, frame + 1);
  }
  keypoints::OneEuroFilter filter(*causal);
  torch::Tensor filtered;
  for (int64_t i = 0; i <= frame; ++i) {
    filtered = filter.Apply(detected_[i], seconds_[static_cast<size_t>(i)]);
  }
  return filtered.unsqueeze(0);
}

absl::StatusOr<torch::Tensor> DrivingKeypoints::DetectedIn(
    const DrivingReader& driving, const std::vector<DrivingFrame>& frames) {
  if (!detected_.defined()) return KeypointsOf(driving, frames);
  const auto count = static_cast<int64_t>(frames.size());
  if (num_followed_ + count > detected_.size(0)) {
    return absl::DataLossError(
        path_ + ": has more frames than when it was read before");
  }
  return detected_.slice(0, num_followed_, num_followed_ + count);
}

torch::Tensor DrivingKeypoints::Followed(const torch::Tensor& detected,
                                         const std::vector<double>& seconds) {
  const int64_t begin = num_followed_;
  num_followed_ += detected.size(0);
  return animator_.Follow(
      smoothed_.defined() ? smoothed_.slice(0, begin, num_followed_) : detected,
      seconds);
}

}  // namespace pipelines
