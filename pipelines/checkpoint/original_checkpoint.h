// Checkpoints of the paper's original implementation and of its predecessor,
// the Thin-Plate Spline Motion Model [TPS]: what their training writes
// (vox.pth.tar and the like), with networks of any width. Both have the same
// tensors by name; the shapes tell which of the two it is.
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
// With P keypoints and M maps: if P divides into M - 1 sets, it is the
// predecessor's and the motion its thin-plate spline; if into M - 2 sets, the
// original's, and the motion CPAB with a global transform, by the original's
// tessellations and our solver. If both are possible, sets of five decide.
//
// Shapes say nothing of the size of images; height and width stay the config's
// default, that of most published checkpoints (config/frame_size.h sets
// another).
//
// tensors: by the original's names, "kp_detector.fg_encoder.conv1.weight", ...
// source: where they are from, for messages.
//
// InvalidArgument naming the tensor that is missing or whose shape no model
// has; for a file of another method (FOMM, face-vid2vid, Articulated Animation)
// naming that.
absl::StatusOr<Config> ConfigOfOriginal(
    const networks::weights::TensorMap& tensors, const std::string& source);

// The AVD network in the checkpoint, of the original's or of ours
// (avd/train_avd.h), in eval mode; null if it has none.
// InvalidArgument as above, also for one for another number of keypoints.
absl::StatusOr<networks::AvdNetwork> AvdInCheckpoint(
    const networks::weights::TensorMap& tensors, const ModelConfig& config,
    const std::string& source);

// Which of a checkpoint's tensors are the animation model's: all but those of
// the AVD network and of the optimizers.
bool IsAnimationWeight(const std::string& name);

}  // namespace pipelines

#endif  // PIPELINES_CHECKPOINT_ORIGINAL_CHECKPOINT_H_
