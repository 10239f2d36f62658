// Training the AVD network (networks/avd.h), [TPS] Sec. 3.4: to give the
// driving keypoints back when they were stretched as if they were another
// figure's, knowing that figure from another frame.
#ifndef PIPELINES_AVD_AVD_TRAINING_H_
#define PIPELINES_AVD_AVD_TRAINING_H_

#include <torch/types.h>

#include <cstdint>
#include <functional>

#include "absl/status/status.h"
#include "networks/avd.h"
#include "pipelines/avd/keypoint_bank.h"
#include "pipelines/config/config.pb.h"

namespace pipelines {

// Keypoints [B, K, 2] with x and y of each set multiplied by a factor of their
// own, uniform in [1 - most, 1 + most].
torch::Tensor Stretch(const torch::Tensor& keypoints, double most,
                      torch::Generator generator);

// Trains `avd` for config.steps() steps; a function of its weights, the bank,
// the config and the seed. `step` is told each step's number, from 1, and loss
// (mean absolute difference of coordinates in [-1, 1]); training ends early,
// with Cancelled, if `stop` says so. Leaves `avd` in eval mode.
absl::Status FitAvd(
    const KeypointBank& bank, const AvdConfig& config, uint64_t seed,
    networks::AvdNetwork avd,
    const std::function<void(int64_t step, double loss)>& step = nullptr,
    const std::function<bool()>& stop = nullptr);

}  // namespace pipelines

#endif  // PIPELINES_AVD_AVD_TRAINING_H_
