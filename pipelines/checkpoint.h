// Checkpoints: everything that is needed to go on with a training, or to
// animate with what it has learnt, in one file.
//
// A checkpoint is a safetensors file (networks/weights/safetensors.h):
//
//   model.<name>          parameters and buffers of AnimationModel
//   adam.<name>.<what>    the optimizer's state, see Adam::State
//   metadata "state"      CheckpointState as protobuf text
//
// Random numbers need no state: they are functions of the run's seed and the
// step (StepSeed, and the sequence law of data/dataset.h).
#ifndef PIPELINES_CHECKPOINT_H_
#define PIPELINES_CHECKPOINT_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "networks/avd.h"
#include "pipelines/adam.h"
#include "pipelines/checkpoint.pb.h"
#include "pipelines/model.h"

namespace pipelines {

inline constexpr int kCheckpointVersion = 1;

// Writes a temporary, syncs and renames it: on any error (a full disk, a folder
// that cannot be written to) the file that was there stays whole.
absl::Status SaveCheckpoint(const std::string& path,
                            const AnimationModel& model, const Adam& adam,
                            const CheckpointState& state);

// Reads the state alone, without its tensors. The errors of SafetensorsFile, or
// InvalidArgument if the file is no checkpoint of ours or of a later version.
absl::StatusOr<CheckpointState> ReadCheckpointState(const std::string& path);

// Loads the weights into `model`; and the optimizer's state, unless `adam` is
// null. InvalidArgument naming the first tensor that does not fit, with both
// shapes. `model` and `adam` are unchanged on error.
absl::Status LoadCheckpoint(const std::string& path, AnimationModel* model,
                            Adam* adam);

// A model that has learnt, in eval mode, and its config.
struct TrainedModel {
  Config config;
  std::shared_ptr<AnimationModel> model;
  // Null where the checkpoint has none.
  networks::AvdNetwork avd = nullptr;
};

// The model of a checkpoint of ours, or of the original implementation (a
// PyTorch file; original_checkpoint.h says what its config is), on `device`.
absl::StatusOr<TrainedModel> LoadTrainedModel(const std::string& path,
                                              torch::Device device);

// The checkpoints of a folder, newest first: files "step-<number>.safetensors".
std::vector<std::string> ListCheckpoints(const std::string& folder);

// "step-000001200.safetensors".
std::string CheckpointName(int64_t step);

// Removes all but the `keep` newest checkpoints of a folder.
void RemoveOldCheckpoints(const std::string& folder, int keep);

}  // namespace pipelines

#endif  // PIPELINES_CHECKPOINT_H_
