// Keypoints of a data set, detected once: what the AVD network learns from.
#ifndef PIPELINES_AVD_KEYPOINT_BANK_H_
#define PIPELINES_AVD_KEYPOINT_BANK_H_

#include <torch/types.h>

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "pipelines/base/work_hooks.h"
#include "pipelines/data/dataset.h"
#include "pipelines/model/model.h"

namespace pipelines {

// `most` of `available` indices from 0, or all where there are no more.
std::vector<int64_t> EvenlySpaced(int64_t available, int64_t most);

// Two sets of keypoints from each of B clips, [B, K, 2].
struct KeypointPair {
  torch::Tensor source;
  torch::Tensor driving;
};

class KeypointBank {
 public:
  // clips: each [F, K, 2], F at least 1; at least one clip. All on one device.
  explicit KeypointBank(const std::vector<torch::Tensor>& clips);

  int64_t num_clips() const { return first_.size(0); }

  // Draws clips uniformly, and of each two frames, independently.
  KeypointPair Draw(int64_t batch, torch::Generator generator) const;

 private:
  torch::Tensor keypoints_;  // [all frames, K, 2]
  torch::Tensor first_;      // [clips], rows of keypoints_
  torch::Tensor count_;      // [clips]
};

// Detects keypoints in up to `frames_per_clip` evenly spaced frames of each
// clip; `mirrored` adds each clip's mirror image as one more clip. `model` must
// be in eval mode. Tells `hooks` of each clip, and warns of one that cannot be
// read, which is left out. The errors of Dataset::SetAside; Cancelled if the
// work was to stop.
absl::StatusOr<KeypointBank> DetectKeypointBank(
    AnimationModel& model, torch::Device device, data::Dataset& dataset,
    int frames_per_clip, bool mirrored, const WorkHooks& hooks = {});

}  // namespace pipelines

#endif  // PIPELINES_AVD_KEYPOINT_BANK_H_
