// The keypoints of the driving frames: found as the frames come, or in all of
// them beforehand. Private to this folder: animate_video.h uses it.
#ifndef PIPELINES_ANIMATION_DRIVING_KEYPOINTS_H_
#define PIPELINES_ANIMATION_DRIVING_KEYPOINTS_H_

#include <torch/types.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "keypoints/zero_phase_filter.h"
#include "pipelines/animation/animator.h"
#include "pipelines/animation/driving_reader.h"
#include "pipelines/base/work_hooks.h"

namespace pipelines {

class DrivingKeypoints {
 public:
  // `path` is of what drives; it stands in messages.
  DrivingKeypoints(Animator& animator, std::string path)
      : animator_(animator), path_(std::move(path)) {}

  // Reads `driving` to its end, for what needs later frames than the present
  // one. DataLoss if it has no frame, Cancelled by `hooks`, the errors of
  // DrivingReader::Next.
  absl::Status ReadAll(DrivingReader& driving, int batch_size,
                       const WorkHooks& hooks);

  // Smooths what ReadAll found; it is followed from then on.
  void Smooth(const keypoints::ZeroPhaseOptions& options);

  // Of all frames, [N, P, 2]; after ReadAll.
  const torch::Tensor& detected() const { return detected_; }

  // Of one frame, as the source will follow it: smoothed if Smooth was called
  // or the animator smooths, [1, P, 2]; after ReadAll.
  torch::Tensor At(int64_t frame) const;

  // [B, P, 2] of the next frames: what ReadAll found, or what they show.
  // DataLoss if ReadAll found fewer.
  absl::StatusOr<torch::Tensor> DetectedIn(
      const DrivingReader& driving, const std::vector<DrivingFrame>& frames);

  // Where the source is to be moved by the next frames, of which `detected` is
  // what DetectedIn returned, at `seconds`: Animator::Follow.
  torch::Tensor Followed(const torch::Tensor& detected,
                         const std::vector<double>& seconds);

 private:
  torch::Tensor KeypointsOf(const DrivingReader& driving,
                            const std::vector<DrivingFrame>& frames) const;

  Animator& animator_;
  std::string path_;
  torch::Tensor detected_;       // [N, P, 2]; undefined before ReadAll
  torch::Tensor smoothed_;       // undefined unless they are smoothed
  std::vector<double> seconds_;  // the N times
  int64_t num_followed_ = 0;     // frames
};

}  // namespace pipelines

#endif  // PIPELINES_ANIMATION_DRIVING_KEYPOINTS_H_
