// Checkpoints: everything that is needed to go on with a training, or to
// animate with what it has learnt, in one file.
//
// A checkpoint is a safetensors file (networks/weights/safetensors.h):
//
//   model.<name>          parameters and buffers of AnimationModel
//   average.<name>        averaged parameters, see WeightAverage; where they
//                         are, evaluation and animation use them
//   adam.<name>.<what>    the optimizer's state, see Adam::State
//   avd_network.<name>    where one was trained on it, see avd/train_avd.h
//   metadata "state"      CheckpointState as protobuf text
//   checksum              SHA-256 of all of it, since version 2
//
// Since version 3 the config in the state has every field, so that it means the
// same where defaults are others; former_versions.h says what it means in
// versions 1 and 2.
//
// Random numbers need no state: they are functions of the run's seed and the
// step (StepSeed, and the sequence law of data/dataset.h).
#ifndef PIPELINES_CHECKPOINT_CHECKPOINT_H_
#define PIPELINES_CHECKPOINT_CHECKPOINT_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "networks/avd.h"
#include "networks/weights/safetensors.h"
#include "networks/weights/tensor_map.h"
#include "pipelines/checkpoint/checkpoint.pb.h"
#include "pipelines/model/model.h"
#include "pipelines/optimizer/adam.h"
#include "pipelines/optimizer/weight_average.h"

namespace pipelines {

inline constexpr int kCheckpointVersion = 3;

// What training changes; not owned.
struct Learnt {
  AnimationModel* model = nullptr;
  Adam* adam = nullptr;              // null: weights only
  WeightAverage* average = nullptr;  // null: none is kept
};

// All tensors by their names in checkpoints, sharing memory, and back. Setting:
// InvalidArgument naming the first tensor that does not fit, with both shapes;
// `source` is where the tensors are from. On error nothing has changed.
networks::weights::TensorMap TensorsOf(const Learnt& learnt);
absl::Status SetTensors(const networks::weights::TensorMap& tensors,
                        absl::string_view source, const Learnt& learnt);

// The bytes of all tensors of a checkpoint with these; also before the
// optimizer's first step, when it has no state yet.
int64_t CheckpointBytes(const Learnt& learnt);

// Whether the file at `path` has an AVD network; and its tensors, by their
// names there: none if it has none, or is that of another model than `learnt`
// has, or damaged.
bool HasAvdNetwork(const std::string& path);
networks::weights::TensorMap AvdOfSameModel(const std::string& path,
                                            const Learnt& learnt);

// `avd` is of AvdOfSameModel.
//
// Writes a temporary, syncs and renames it: on any error (a full disk, a folder
// that cannot be written to) the file that was there stays whole. Where the
// disk is full, the message says how many bytes are needed.
absl::Status SaveCheckpoint(const std::string& path, const Learnt& learnt,
                            const CheckpointState& state,
                            const networks::weights::TensorMap& avd = {});

// A checkpoint whose checksum has been verified (files of version 1 have none).
class Checkpoint {
 public:
  // Reads the whole file.
  //
  // DataLoss if and only if the file is damaged: a bit is not as it was
  // written, or the end is missing. FailedPrecondition, naming both versions,
  // if a later version of this program wrote it; InvalidArgument if it is no
  // checkpoint of ours; the errors of opening it (MappedFile).
  static absl::StatusOr<Checkpoint> Open(const std::string& path);

  const CheckpointState& state() const { return state_; }
  const std::string& path() const { return file_.path(); }

  // To go on with training. The errors of SetTensors; Unavailable if the file
  // changed or could not be read meanwhile, and `learnt` is of no use then.
  absl::Status Restore(const Learnt& learnt) const;

  // The weights to be used: averaged where there are averages.
  absl::Status LoadInto(AnimationModel* model) const;

  // The AVD network, in eval mode; null where there is none. The errors of
  // AvdInCheckpoint (original_checkpoint.h); Unavailable as Restore.
  absl::StatusOr<networks::AvdNetwork> Avd() const;

 private:
  Checkpoint(networks::weights::SafetensorsFile file, CheckpointState state)
      : file_(std::move(file)), state_(std::move(state)) {}

  networks::weights::SafetensorsFile file_;
  CheckpointState state_;
};

// What Checkpoint::Open(path) says beside the tensors, or its error.
absl::StatusOr<CheckpointState> ReadCheckpointState(const std::string& path);

// A model that has learnt, in eval mode, and its config.
struct TrainedModel {
  Config config;
  std::shared_ptr<AnimationModel> model;
  // Null where the checkpoint has none.
  networks::AvdNetwork avd = nullptr;
  // What its file says beside the tensors, such as the training steps that they
  // have learnt from; empty for files of other programs, which do not say.
  std::optional<CheckpointState> state = std::nullopt;
};

// As of learning_phase.h; "" also where the model does not say its steps.
std::string UnpaintedWarning(const TrainedModel& trained);

// The model of a checkpoint of ours, of the original implementation or of its
// thin-plate-spline predecessor (PyTorch files; original_checkpoint.h says what
// their config is), on `device`.
absl::StatusOr<TrainedModel> LoadTrainedModel(const std::string& path,
                                              torch::Device device);

// Another motion model for the same weights; SetMotion of
// config/motion_choice.h says what becomes of the config. InvalidArgument for a
// tessellation that CPAB does not have; nothing has changed then.
absl::Status ChooseMotion(const MotionConfig& motion, TrainedModel* trained);

// The weights in `tensors` as AnimationModel names them: of a checkpoint of
// ours, averaged where there are averages; of other files as they are.
networks::weights::TensorMap WeightsToUse(
    const networks::weights::TensorMap& tensors);

}  // namespace pipelines

#endif  // PIPELINES_CHECKPOINT_CHECKPOINT_H_
