// Checkpoints of the paper's original implementation: what its training writes
// (vox.pth.tar and the like), with networks of any width.
#ifndef PIPELINES_CHECKPOINT_ORIGINAL_CHECKPOINT_H_
#define PIPELINES_CHECKPOINT_ORIGINAL_CHECKPOINT_H_

#include <string>

#include "absl/status/statusor.h"
#include "networks/avd.h"
#include "networks/weights/tensor_map.h"
#include "pipelines/config/config.pb.h"

namespace pipelines {

// The config of the networks with these weights, told from the tensors' shapes:
// widths, depths, numbers of transformations and keypoints, background.
//
// Shapes say nothing of the size of images; height and width stay the config's
// default, that of most published checkpoints (config/frame_size.h sets
// another). Nor of the motion model: the
// original's tessellations, fitted by our solver.
//
// tensors: by the original's names, "kp_detector.fg_encoder.conv1.weight", ...
// source: where they are from, for messages.
//
// InvalidArgument naming the tensor that is missing or whose shape no model
// has.
absl::StatusOr<Config> ConfigOfOriginal(
    const networks::weights::TensorMap& tensors, const std::string& source);

// The AVD network in the checkpoint, of the original's or of ours
// (avd/train_avd.h), in eval mode; null if it has none.
// InvalidArgument as above.
absl::StatusOr<networks::AvdNetwork> AvdOfOriginal(
    const networks::weights::TensorMap& tensors, const ModelConfig& config,
    const std::string& source);

// Which of a checkpoint's tensors are the animation model's: all but those of
// the AVD network and of the optimizers.
bool IsAnimationWeight(const std::string& name);

}  // namespace pipelines

#endif  // PIPELINES_CHECKPOINT_ORIGINAL_CHECKPOINT_H_
